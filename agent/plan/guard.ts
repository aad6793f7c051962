import type { Snapshot } from "$lib/wire/snapshot.ts";
import type { KeySet } from "./key_set.ts";
import { countingRemovals, type PastRemoval, sumOf, withRemovals } from "./removals.ts";

const DEFAULT_MAX_STACKS = 3;
const DEFAULT_MAX_OBJECTS = 50;
const DEFAULT_MAX_SHARE = 0.2;

/** What a snapshot is stamped with: which broker database, and how far along. */
export interface Stamp {
  readonly epoch: string;
  readonly revision: number;
}

/** A stack of which something is held. */
export interface HeldStack {
  readonly id: string;
  /** How many of its objects; 0 where a version of old did not count them. */
  readonly objects: number;
  /** Which of them; undefined of a stack that is to go as a whole. Each is marked in the stack's record, too. */
  readonly keys?: KeySet;
}

/** What would vanish, more of it within an hour than goes without a person's word. */
export interface HeldSet {
  /** The snapshot's revision at which the set was held: what a person approves. */
  readonly revision: number;
  readonly stacks: readonly HeldStack[];
  /** Kept once given, because the broker forgets it as soon as no delivery of ours is reported as held. */
  readonly isApproved: boolean;
}

/** What the agent's root object remembers, over restarts, of the broker it knows. */
export interface RootRecord {
  /** The broker's epoch and its highest revision; undefined before the first snapshot. */
  readonly known: Stamp | undefined;
  /** The stamp of the snapshot that did not fit; while it stands, nothing is pruned. */
  readonly hold: Stamp | undefined;
  readonly held: HeldSet | undefined;
  /** What was let go within the last hour. */
  readonly removals: readonly PastRemoval[];
  /** The epoch that a person accepts, by annotation. */
  readonly acceptEpoch: string | undefined;
  /** The revision at which something is held that a person approves, by annotation: of stacks that the broker lost. */
  readonly approvePrune?: number;
}

/** How much may vanish within an hour without a person's word. */
export interface GuardLimits {
  /** Stacks that left the snapshot; by default the larger of 3 and 20 % of the inventory. */
  readonly maxStacks?: number;
  /** Objects, of such stacks and out of bundles; by default the larger of 50 and 20 % of the inventory's. */
  readonly maxObjects?: number;
  /** Stacks that a person deleted; by default any number. */
  readonly maxTerminating?: number;
}

/** A stack that this agent applied and has not removed, as the guard counts it. */
export interface CountedStack {
  readonly id: string;
  readonly objects: number;
}

/** What the guard looks at. */
export interface Evidence {
  readonly root: RootRecord;
  /** A believed one: it parsed, and is complete. */
  readonly snapshot: Snapshot;
  readonly inventory: readonly CountedStack[];
  readonly limits: GuardLimits;
  readonly nowMs: number;
}

/** What may be deleted now, and what the root must say before any of it is. */
export interface Verdict {
  readonly root: RootRecord;
  /** True while the broker is not the one the agent knows: nothing at all is pruned. */
  readonly isOnHold: boolean;
  /** Stacks gone from the snapshot, or deleted by a person, whose removal waits; the others may be removed now. */
  readonly waiting: ReadonlySet<string>;
}

/** Judges a believed snapshot: with `judgeRemoval` the only place where deletion is decided. */
export function judge(evidence: Evidence): Verdict {
  const root = remember(evidence);
  const absent = absentStacks(evidence);
  if (root.hold !== undefined) return { root, isOnHold: true, waiting: ids(absent) };
  const remembered = { ...evidence, root: { ...root, removals: stillAway(root.removals, evidence.snapshot) } };
  const { limits: { maxTerminating }, snapshot, inventory } = evidence;
  const deleted = maxTerminating === undefined ? [] : inventory.filter(({ id }) => isTerminating(snapshot, id));
  const leaving = { absent, deleted };
  const held = heldSet(remembered, leaving);
  const mayGo = held === undefined || held.isApproved;
  const removals = held === undefined
    ? withRemovals(remembered.root.removals, newRemovals(remembered, leaving))
    : remembered.root.removals;
  const { approvePrune: _heard, ...kept } = root;
  return {
    root: { ...kept, removals, held },
    isOnHold: false,
    waiting: mayGo ? new Set() : ids([...absent, ...deleted]),
  };
}

/** Stacks that are to go as a whole, and are counted. */
interface StacksToRemove {
  readonly absent: readonly CountedStack[];
  readonly deleted: readonly CountedStack[];
}

/** Advances what is known of the broker, or begins, keeps or (accepted) ends a hold. */
function remember({ root, snapshot, inventory, nowMs }: Evidence): RootRecord {
  const stamp = { epoch: snapshot.epoch, revision: snapshot.revision };
  const removals = countingRemovals(root.removals, nowMs);
  const isSuspect = root.hold !== undefined || !fits(stamp, { known: root.known, inventory });
  const isAccepted = root.acceptEpoch === snapshot.epoch;
  if (isSuspect && !isAccepted) return { ...root, removals, hold: root.hold ?? stamp };
  return {
    known: stamp,
    hold: undefined,
    held: isSuspect ? undefined : root.held,
    removals,
    acceptEpoch: isAccepted ? undefined : root.acceptEpoch,
    ...(root.approvePrune === undefined ? {} : { approvePrune: root.approvePrune }),
  };
}

/** An agent that remembers nothing but has applied something has lost its memory, and does not guess. */
function fits(
  stamp: Stamp,
  { known, inventory }: { known: Stamp | undefined; inventory: readonly CountedStack[] },
): boolean {
  if (known === undefined) return inventory.length === 0;
  return known.epoch === stamp.epoch && known.revision <= stamp.revision;
}

function absentStacks({ snapshot, inventory }: Evidence): readonly CountedStack[] {
  const named = namedStacks(snapshot);
  return inventory.filter(({ id }) => !named.has(id));
}

/**
 * The stacks of which a snapshot says what is to be. One that is present without an object is as one that is not there:
 * a restored broker may know it so, and the agent have applied what was submitted after the backup. While it is
 * suspended, that waits.
 */
export function namedStacks({ stacks }: Snapshot): ReadonlySet<string> {
  const named = stacks.filter(({ state, deployment_object: object, suspended }) => {
    return state === "terminating" || object !== null || suspended === true;
  });
  return new Set(named.map(({ stack_id }) => stack_id));
}

/** A stack that came back and leaves once more is another removal. */
function stillAway(removals: readonly PastRemoval[], snapshot: Snapshot): readonly PastRemoval[] {
  const named = namedStacks(snapshot);
  const isBack = ({ kind, stackId }: PastRemoval) =>
    kind !== "objects" && named.has(stackId) && !isTerminating(snapshot, stackId);
  return removals.map((one) => isBack(one) ? { ...one, stackId: "" } : one);
}

/**
 * The set that is held after this snapshot: the old one or what is left of it, a new one, or none. Approving raises the
 * revision, so a snapshot that approves its own revision approves a set that nobody has seen, and is not listened to.
 */
function heldSet(evidence: Evidence, leaving: StacksToRemove): HeldSet | undefined {
  const { root: { held, approvePrune }, snapshot } = evidence;
  const { revision, prune_approved } = snapshot;
  const going = new Map([...leaving.absent, ...leaving.deleted].map((stack) => [stack.id, stack]));
  const left = held?.stacks.filter(({ id, keys }) => going.has(id) || (keys !== undefined && isWanted(evidence, id))) ??
    [];
  const wholes = new Set(left.flatMap(({ id, keys }) => keys === undefined ? [id] : []));
  const parts = left.filter(({ id, keys }) => keys !== undefined && !going.has(id));
  const anew = { revision, stacks: [...wholeStacks(going.values()), ...parts], isApproved: false };
  if (held === undefined || left.length === 0) return exceedsLimit(evidence, leaving) ? anew : undefined;
  if (![...going.keys()].every((id) => wholes.has(id))) return anew;
  const isApproved = prune_approved === held.revision && prune_approved < revision;
  return { ...held, stacks: left, isApproved: held.isApproved || isApproved || approvePrune === held.revision };
}

function wholeStacks(stacks: Iterable<CountedStack>): readonly HeldStack[] {
  return [...stacks].map(({ id, objects }) => ({ id, objects }));
}

/** Whether objects of the stack can still be out of its bundle: it was applied, and no person deleted it. */
function isWanted({ snapshot, inventory }: Evidence, stackId: string): boolean {
  return inventory.some(({ id }) => id === stackId) && !isTerminating(snapshot, stackId);
}

/** Too much within an hour, or all of two stacks or more; what was let go already and is on its way counts once. */
function exceedsLimit(evidence: Evidence, { absent, deleted }: StacksToRemove): boolean {
  const { root: { removals }, limits } = evidence;
  const past = removals.filter(({ kind }) => kind !== "terminating");
  const more = newRemovals(evidence, { absent, deleted });
  const anew = more.filter(({ kind }) => kind === "absent");
  const dropped = more.filter(({ kind }) => kind === "terminating");
  if (dropped.length > 0) {
    const terminating = removals.filter(({ kind }) => kind === "terminating");
    if (sumOf(terminating, "stacks") + dropped.length > (limits.maxTerminating ?? Infinity)) return true;
  }
  if (anew.length === 0) return false;
  if (sumOf(past, "stacks") + anew.length > stackLimit(evidence)) return true;
  if (sumOf(past, "objects") + sumOf(anew, "objects") > objectLimit(limits, countObjects(evidence))) return true;
  return isAll(evidence, absent);
}

function stackLimit({ root, inventory, limits }: Evidence): number {
  const known = new Set([...inventory.map(({ id }) => id), ...removedIds(root)]);
  return limits.maxStacks ?? Math.max(DEFAULT_MAX_STACKS, DEFAULT_MAX_SHARE * known.size);
}

/** How many objects may vanish within an hour, of so many applied. */
export function objectLimit({ maxObjects }: GuardLimits, applied: number): number {
  return maxObjects ?? Math.max(DEFAULT_MAX_OBJECTS, DEFAULT_MAX_SHARE * applied);
}

/** What was applied an hour ago, nearly: what is there, and whole stacks that went since. */
function countObjects({ root, inventory }: Pick<Evidence, "root" | "inventory">): number {
  const there = new Set(inventory.map(({ id }) => id));
  const gone = root.removals.filter(({ kind, stackId }) => kind === "absent" && !there.has(stackId));
  return inventory.reduce((sum, { objects }) => sum + objects, 0) + sumOf(gone, "objects");
}

/** Nothing would be left of two stacks or more, those that a person deleted apart. */
function isAll({ root, snapshot, inventory }: Evidence, absent: readonly CountedStack[]): boolean {
  const gone = new Set([...absent.map(({ id }) => id), ...removedIds(root)]);
  const ours = inventory.filter(({ id }) => !isTerminating(snapshot, id) && !gone.has(id));
  return gone.size >= 2 && ours.length === 0;
}

function removedIds({ removals }: RootRecord): readonly string[] {
  return removals.flatMap(({ kind, stackId }) => kind === "absent" && stackId !== "" ? [stackId] : []);
}

/** What is to be remembered of what is let go now: not once more what was let go already. */
function newRemovals(
  { root: { removals }, nowMs }: Evidence,
  { absent, deleted }: StacksToRemove,
): readonly PastRemoval[] {
  const one = (kind: "absent" | "terminating") => ({ id, objects }: CountedStack): readonly PastRemoval[] =>
    removals.some((past) => past.kind === kind && past.stackId === id)
      ? []
      : [{ stackId: id, kind, atMs: nowMs, stacks: 1, objects }];
  return [...absent.flatMap(one("absent")), ...deleted.flatMap(one("terminating"))];
}

function isTerminating({ stacks }: Snapshot, id: string): boolean {
  return stacks.some(({ stack_id, state }) => stack_id === id && state === "terminating");
}

function ids(stacks: readonly CountedStack[]): ReadonlySet<string> {
  return new Set(stacks.map(({ id }) => id));
}
