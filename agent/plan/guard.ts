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

/** What would vanish of a stack, where more would vanish within an hour than goes without a person's word. */
export interface HeldStack {
  readonly id: string;
  /** How many of its objects; 0 where a version of old did not count them. */
  readonly objects: number;
  /** Which of them; undefined of a stack that is to go as a whole. Each is marked in the stack's record, too. */
  readonly keys?: KeySet;
  /** The snapshot's revision at which it was held: what a person approves. */
  readonly revision: number;
  /** Kept once given, because the broker forgets it as soon as the delivery is reported as held no more. */
  readonly isApproved: boolean;
}

/** What the agent's root object remembers, over restarts, of the broker it knows. */
export interface RootRecord {
  /** The broker's epoch and its highest revision; undefined before the first snapshot. */
  readonly known: Stamp | undefined;
  /** The stamp of the snapshot that did not fit; while it stands, nothing is pruned. */
  readonly hold: Stamp | undefined;
  /** One a stack at most. */
  readonly held: readonly HeldStack[];
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
  const left = stillHeld(remembered, leaving);
  const { held, removals } = judgeNew({ ...remembered, root: { ...remembered.root, held: left } }, leaving);
  const { approvePrune: _heard, ...kept } = root;
  return {
    root: { ...kept, removals: withRemovals(remembered.root.removals, removals), held },
    isOnHold: false,
    waiting: ids(held.filter(({ keys, isApproved }) => keys === undefined && !isApproved)),
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
    held: isSuspect ? [] : root.held,
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
 * What was held before and is still to go, and what of it a person approved. Approving raises the revision, so a
 * snapshot that approves its own revision approves what nobody has seen, and is not listened to.
 */
function stillHeld(evidence: Evidence, leaving: StacksToRemove): readonly HeldStack[] {
  const { root: { held, approvePrune }, snapshot: { revision, prune_approved, approved_held = [] } } = evidence;
  const going = ids([...leaving.absent, ...leaving.deleted]);
  const approved = new Map(approved_held.map((one) => [one.stack_id, one.revision]));
  const isHeard = (stack: HeldStack) =>
    approvePrune === stack.revision ||
    (stack.revision < revision && [prune_approved, approved.get(stack.id)].includes(stack.revision));
  return held.filter(({ id, keys }) => going.has(id) || (keys !== undefined && isWanted(evidence, id)))
    .map((one) => !one.isApproved && isHeard(one) ? { ...one, isApproved: true } : one);
}

/**
 * What is held from now on, and what is to be remembered as let go. Of a stack that leaves whole, what was held of its
 * objects is part of that.
 */
function judgeNew(
  evidence: Evidence,
  leaving: StacksToRemove,
): { readonly held: readonly HeldStack[]; readonly removals: readonly PastRemoval[] } {
  const { root: { held }, snapshot: { revision } } = evidence;
  const wholes = ids(held.filter(({ keys }) => keys === undefined));
  const isNew = ({ id }: CountedStack) => !wholes.has(id);
  const fresh = { absent: leaving.absent.filter(isNew), deleted: leaving.deleted.filter(isNew) };
  const stacks = [...fresh.absent, ...fresh.deleted];
  if (stacks.length === 0) return { held, removals: [] };
  const freshIds = ids(stacks);
  const others = held.filter(({ id }) => !freshIds.has(id));
  if (isAnyHeld(held) || exceedsLimit(evidence, leaving, fresh)) {
    const anew = stacks.map(({ id, objects }) => ({ id, objects, revision, isApproved: false }));
    return { held: [...others, ...anew], removals: [] };
  }
  return { held: others, removals: newRemovals(evidence, fresh) };
}

/** Whether anything waits for a person's word: then all else that would vanish waits with it. */
export function isAnyHeld(held: readonly HeldStack[]): boolean {
  return held.some(({ isApproved }) => !isApproved);
}

/** Whether objects of the stack can still be out of its bundle: it was applied, and no person deleted it. */
function isWanted({ snapshot, inventory }: Evidence, stackId: string): boolean {
  return inventory.some(({ id }) => id === stackId) && !isTerminating(snapshot, stackId);
}

/**
 * Too much within an hour, or all of two stacks or more. What was let go already and is on its way counts once, what a
 * person approved not at all.
 */
function exceedsLimit(evidence: Evidence, leaving: StacksToRemove, fresh: StacksToRemove): boolean {
  const { root: { removals }, limits } = evidence;
  const past = removals.filter(({ kind }) => kind !== "terminating");
  const more = newRemovals(evidence, fresh);
  const anew = more.filter(({ kind }) => kind === "absent");
  const dropped = more.filter(({ kind }) => kind === "terminating");
  if (dropped.length > 0) {
    const terminating = removals.filter(({ kind }) => kind === "terminating");
    if (sumOf(terminating, "stacks") + dropped.length > (limits.maxTerminating ?? Infinity)) return true;
  }
  if (anew.length === 0) return false;
  const unapproved = { ...evidence, inventory: withoutApproved(evidence) };
  if (sumOf(past, "stacks") + anew.length > stackLimit(unapproved)) return true;
  if (sumOf(past, "objects") + sumOf(anew, "objects") > objectLimit(limits, countObjects(unapproved))) return true;
  return isAll(evidence, leaving.absent);
}

/** The stacks that are to stay, as far as a person said. */
function withoutApproved({ root: { held }, inventory }: Evidence): readonly CountedStack[] {
  const approved = ids(held.filter(({ keys, isApproved }) => keys === undefined && isApproved));
  return inventory.filter(({ id }) => !approved.has(id));
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

function ids(stacks: readonly Pick<CountedStack, "id">[]): ReadonlySet<string> {
  return new Set(stacks.map(({ id }) => id));
}
