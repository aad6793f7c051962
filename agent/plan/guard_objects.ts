import { type GuardLimits, type HeldStack, isAnyHeld, objectLimit, type RootRecord } from "./guard.ts";
import { keySet, keysOutside, shortened } from "./key_set.ts";
import { countingRemovals, keysNotYetRemoved, type PastRemoval, sumOf, withRemovals } from "./removals.ts";
import { withoutReplaced } from "./replaced_names.ts";

/** Objects that a stack's new bundle lacks, and that its record has. */
export interface Removal {
  readonly stackId: string;
  readonly stackName: string;
  /** The keys of what would be removed, as `objectKey` makes them. */
  readonly keys: readonly string[];
  /** The keys that the bundle wants: one that only replaces another under a new hash takes it out of the count. */
  readonly wantedKeys: readonly string[];
  /** How many objects the stack had when its bundle came, those to be removed among them. */
  readonly total: number;
}

/** What the guard looks at when objects leave a bundle. */
export interface RemovalEvidence {
  readonly root: RootRecord;
  /** The revision of the snapshot that was judged last. */
  readonly revision: number;
  /** How many objects the inventory had then. */
  readonly applied: number;
  readonly limits: GuardLimits;
  readonly nowMs: number;
}

/** In one stack, so many objects and more than this share of them are held. */
const STACK_MIN_OBJECTS = 10;
const STACK_MAX_SHARE = 0.5;
/** How many characters the sets of held keys may have; an annotation's room is bounded. */
const HELD_KEYS_MAX_LENGTH = 60_000;

/** Judges the removal of objects of a stack that is wanted still; what the root must say before it is begun. */
export function judgeRemoval(
  evidence: RemovalEvidence,
  removal: Removal,
): { readonly root: RootRecord; readonly isAllowed: boolean } {
  const root = { ...evidence.root, removals: countingRemovals(evidence.root.removals, evidence.nowMs) };
  if (root.hold !== undefined) return { root, isAllowed: false };
  const counted = withoutReplaced(removal.keys, removal.wantedKeys);
  if (counted.length === 0) return { root: withoutPart(root, removal.stackId), isAllowed: true };
  const part = partOf(root, removal.stackId);
  const isHeld = part?.keys !== undefined && keysOutside(counted, [part.keys]).length === 0;
  if (isHeld) return { root, isAllowed: part.isApproved };
  return isAnyHeld(root.held)
    ? holding({ ...evidence, root }, removal, counted)
    : judgeNew({ ...evidence, root }, removal, counted);
}

/** Nothing of the stack's objects is to be removed any more, so that none of them is held. */
export function withoutPart(root: RootRecord, stackId: string): RootRecord {
  return partOf(root, stackId) === undefined ? root : { ...root, held: root.held.filter(({ id }) => id !== stackId) };
}

/** What is held of a stack that is wanted still. */
function partOf({ held }: RootRecord, stackId: string): HeldStack | undefined {
  return held.find(({ id, keys }) => id === stackId && keys !== undefined);
}

/** All of it waits for a person's word, what of it was approved or waited before, too. */
function holding({ root, revision }: RemovalEvidence, { stackId: id }: Removal, keys: readonly string[]) {
  const anew = { id, objects: keys.length, keys: keySet(keys), revision, isApproved: false };
  const others = root.held.filter((one) => one.id !== id);
  return { root: { ...root, held: bounded([...others, anew]) }, isAllowed: false };
}

function judgeNew(evidence: RemovalEvidence, removal: Removal, keys: readonly string[]) {
  const { root, nowMs } = evidence;
  const { stackId } = removal;
  const approved = partOf(root, stackId)?.keys;
  const unapproved = approved === undefined ? keys : keysOutside(keys, [approved]);
  const more = keysNotYetRemoved(unapproved, root.removals, stackId);
  if (more.length === 0) return { root, isAllowed: true };
  if (exceedsLimit(evidence, removal, { again: keys.length - more.length, more: more.length })) {
    return holding(evidence, removal, keys);
  }
  const past: PastRemoval = {
    stackId,
    kind: "objects",
    atMs: nowMs,
    stacks: 0,
    objects: more.length,
    keys: keySet(more),
  };
  return { root: { ...root, removals: withRemovals(root.removals, [past]) }, isAllowed: true };
}

/** Too many within an hour, of all stacks or of this one; those that are asked for again were counted before. */
function exceedsLimit(
  { root: { removals }, applied, limits }: RemovalEvidence,
  { stackId, total }: Removal,
  { again, more }: { readonly again: number; readonly more: number },
): boolean {
  const past = removals.filter(({ kind }) => kind !== "terminating");
  if (sumOf(past, "objects") + more > objectLimit(limits, applied)) return true;
  const before = sumOf(past.filter((one) => one.kind === "objects" && one.stackId === stackId), "objects");
  const [gone, hadBefore] = [before + more, total + before - again];
  return gone >= STACK_MIN_OBJECTS && gone > STACK_MAX_SHARE * hadBefore;
}

/** Within the room that an annotation has. */
function bounded(held: readonly HeldStack[]): readonly HeldStack[] {
  let room = HELD_KEYS_MAX_LENGTH;
  return held.map((stack) => {
    if (stack.keys === undefined) return stack;
    const keys = stack.keys.length <= room ? stack.keys : shortened(stack.keys);
    room -= keys.length;
    return { ...stack, keys };
  });
}
