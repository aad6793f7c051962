import { type GuardLimits, type HeldSet, type HeldStack, objectLimit, type RootRecord } from "./guard.ts";
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
  return root.held === undefined
    ? whileNothingIsHeld({ ...evidence, root }, removal, counted)
    : whileHeld({ ...evidence, root }, removal, counted);
}

/** Nothing of the stack's objects is to be removed any more; the set that is held is without them. */
export function withoutPart(root: RootRecord, stackId: string): RootRecord {
  const { held } = root;
  const stacks = held?.stacks.filter(({ id, keys }) => id !== stackId || keys === undefined) ?? [];
  if (held === undefined || stacks.length === held.stacks.length) return root;
  return { ...root, held: stacks.length === 0 ? undefined : { ...held, stacks } };
}

/** What is in the set that is held goes or stays with it; anything else is held with it, anew. */
function whileHeld({ root, revision }: RemovalEvidence, { stackId }: Removal, keys: readonly string[]) {
  const { held } = root;
  const part = held?.stacks.find(({ id, keys }) => id === stackId && keys !== undefined)?.keys;
  const isHeld = part !== undefined && keysOutside(keys, [part]).length === 0;
  if (isHeld) return { root, isAllowed: held?.isApproved === true };
  const others = held?.stacks.filter(({ id }) => id !== stackId) ?? [];
  return { root: { ...root, held: heldAnew(revision, [...others, partOf(stackId, keys)]) }, isAllowed: false };
}

function whileNothingIsHeld(evidence: RemovalEvidence, removal: Removal, keys: readonly string[]) {
  const { root, revision, nowMs } = evidence;
  const { stackId } = removal;
  const more = keysNotYetRemoved(keys, root.removals, stackId);
  if (more.length === 0) return { root, isAllowed: true };
  if (exceedsLimit(evidence, removal, { again: keys.length - more.length, more: more.length })) {
    return { root: { ...root, held: heldAnew(revision, [partOf(stackId, keys)]) }, isAllowed: false };
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

function partOf(id: string, keys: readonly string[]): HeldStack {
  return { id, objects: keys.length, keys: keySet(keys) };
}

function heldAnew(revision: number, stacks: readonly HeldStack[]): HeldSet {
  let room = HELD_KEYS_MAX_LENGTH;
  const bounded = stacks.map((stack) => {
    if (stack.keys === undefined) return stack;
    const keys = stack.keys.length <= room ? stack.keys : shortened(stack.keys);
    room -= keys.length;
    return { ...stack, keys };
  });
  return { revision, stacks: bounded, isApproved: false };
}
