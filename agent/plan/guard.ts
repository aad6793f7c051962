import type { Snapshot } from "$lib/wire/snapshot.ts";

/** What a snapshot is stamped with: which broker database, and how far along. */
export interface Stamp {
  readonly epoch: string;
  readonly revision: number;
}

/** Stacks that would vanish by absence, more of them at once than go without a person's word. */
export interface HeldSet {
  /** The snapshot's revision at which the set was held: what a person approves. */
  readonly revision: number;
  readonly stackIds: readonly string[];
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
  /** The epoch that a person accepts, by annotation. */
  readonly acceptEpoch: string | undefined;
}

/** What the guard looks at. */
export interface Evidence {
  readonly root: RootRecord;
  /** A believed one: it parsed, and is complete. */
  readonly snapshot: Snapshot;
  /** Ids of the stacks that this agent applied and has not removed. */
  readonly inventory: readonly string[];
  /** How many stacks may vanish by absence at once; undefined means the larger of 3 and 20 % of the inventory. */
  readonly pruneMaxStacks?: number;
}

/** What may be deleted now, and what the root must say before any of it is. */
export interface Verdict {
  readonly root: RootRecord;
  /** True while the broker is not the one the agent knows: nothing at all is pruned. */
  readonly isOnHold: boolean;
  /** Stacks gone from the snapshot that may be removed now. */
  readonly removable: ReadonlySet<string>;
  /** Stacks gone from the snapshot whose removal waits. */
  readonly waiting: ReadonlySet<string>;
}

const DEFAULT_MAX_STACKS = 3;
const DEFAULT_MAX_SHARE = 0.2;

/** Judges a believed snapshot: the only place where deletion is decided. */
export function judge(evidence: Evidence): Verdict {
  const root = remember(evidence);
  const absent = absentStacks(evidence);
  if (root.hold !== undefined) return { root, isOnHold: true, removable: new Set(), waiting: absent };
  const held = heldSet({ ...evidence, root }, absent);
  const mayGo = held === undefined || held.isApproved;
  return {
    root: { ...root, held },
    isOnHold: false,
    removable: mayGo ? absent : new Set(),
    waiting: mayGo ? new Set() : absent,
  };
}

/** Advances what is known of the broker, or begins, keeps or (accepted) ends a hold. */
function remember({ root, snapshot, inventory }: Evidence): RootRecord {
  const stamp = { epoch: snapshot.epoch, revision: snapshot.revision };
  const isSuspect = root.hold !== undefined || !fits(stamp, { known: root.known, inventory });
  const isAccepted = root.acceptEpoch === snapshot.epoch;
  if (isSuspect && !isAccepted) return { ...root, hold: root.hold ?? stamp };
  return {
    known: stamp,
    hold: undefined,
    held: isSuspect ? undefined : root.held,
    acceptEpoch: isAccepted ? undefined : root.acceptEpoch,
  };
}

/** An agent that remembers nothing but has applied something has lost its memory, and does not guess. */
function fits(stamp: Stamp, { known, inventory }: { known: Stamp | undefined; inventory: readonly string[] }): boolean {
  if (known === undefined) return inventory.length === 0;
  return known.epoch === stamp.epoch && known.revision <= stamp.revision;
}

function absentStacks({ snapshot, inventory }: Evidence): ReadonlySet<string> {
  const named = new Set(snapshot.stacks.map((stack) => stack.stack_id));
  return new Set(inventory.filter((id) => !named.has(id)));
}

/**
 * The set that is held after this snapshot: the old one or what is left of it, a new one, or none. Approving raises the
 * revision, so a snapshot that approves its own revision approves a set that nobody has seen, and is not listened to.
 */
function heldSet(evidence: Evidence, absent: ReadonlySet<string>): HeldSet | undefined {
  const { root: { held }, snapshot: { revision, prune_approved } } = evidence;
  const stillHeld = held?.stackIds.filter((id) => absent.has(id)) ?? [];
  const anew = { revision, stackIds: [...absent], isApproved: false };
  if (held === undefined || stillHeld.length === 0) return exceedsLimit(evidence, absent) ? anew : undefined;
  if (stillHeld.length < absent.size) return anew;
  const isApproved = prune_approved === held.revision && prune_approved < revision;
  return { ...held, stackIds: stillHeld, isApproved: held.isApproved || isApproved };
}

/** Too many at once, or all of two or more; what a person deleted does not count as left. */
function exceedsLimit({ snapshot, inventory, pruneMaxStacks }: Evidence, absent: ReadonlySet<string>): boolean {
  const limit = pruneMaxStacks ?? Math.max(DEFAULT_MAX_STACKS, DEFAULT_MAX_SHARE * inventory.length);
  if (absent.size > limit) return true;
  const terminating = new Set(snapshot.stacks.filter(isTerminating).map((stack) => stack.stack_id));
  const ours = inventory.filter((id) => !terminating.has(id));
  return absent.size >= 2 && absent.size === ours.length;
}

function isTerminating({ state }: Snapshot["stacks"][number]): boolean {
  return state === "terminating";
}
