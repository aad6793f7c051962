import { type KeySet, keysOutside, shortened } from "./key_set.ts";

/**
 * What was let go by absence, or by a person's deletion where that is limited, as the root remembers it for an hour.
 */
export interface PastRemoval {
  /** Empty of several that were put together, and of a stack that is back: the next of it counts anew. */
  readonly stackId: string;
  readonly kind: "absent" | "terminating" | "objects";
  /** When it was let go, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** Whole stacks; 0 of `objects`. */
  readonly stacks: number;
  readonly objects: number;
  /** Which objects; only of `objects`. */
  readonly keys?: KeySet;
}

/** How long a removal counts. */
const REMOVALS_COUNT_MS = 3_600_000;
/** How many are remembered one by one; older ones are put together, at the time of the newest of them. */
export const REMOVALS_MAX = 200;
/** How many characters all sets of keys may have; those of the oldest are shortened. */
export const REMOVAL_KEYS_MAX_LENGTH = 40_000;

/** Those that count at `nowMs`; a time to come is a clock that was put back. */
export function countingRemovals(removals: readonly PastRemoval[], nowMs: number): readonly PastRemoval[] {
  return removals.filter(({ atMs }) => nowMs - atMs < REMOVALS_COUNT_MS)
    .map((one) => one.atMs > nowMs ? { ...one, atMs: nowMs } : one);
}

/** The same with more of them, within what may be remembered. */
export function withRemovals(removals: readonly PastRemoval[], more: readonly PastRemoval[]): readonly PastRemoval[] {
  const all = [...removals, ...more];
  const tooMany = Math.max(0, all.length - REMOVALS_MAX);
  if (tooMany === 0) return withinKeys(all);
  const together = Map.groupBy(all.slice(0, tooMany + KINDS), ({ kind }) => kind);
  return withinKeys([...[...together.values()].map(joined), ...all.slice(tooMany + KINDS)]);
}

/** Those of a stack's keys that were not let go before. */
export function keysNotYetRemoved(
  keys: readonly string[],
  removals: readonly PastRemoval[],
  stackId: string,
): readonly string[] {
  return keysOutside(
    keys,
    removals.flatMap((one) => one.stackId === stackId && one.keys !== undefined ? one.keys : []),
  );
}

/** How many of something were let go. */
export function sumOf(removals: readonly PastRemoval[], what: "stacks" | "objects"): number {
  return removals.reduce((sum, removal) => sum + removal[what], 0);
}

const KINDS = 3;

function joined(these: readonly PastRemoval[]): PastRemoval {
  const [first] = these;
  if (first !== undefined && these.length === 1) return first;
  return {
    stackId: "",
    kind: first?.kind ?? "objects",
    atMs: Math.max(...these.map(({ atMs }) => atMs)),
    stacks: sumOf(these, "stacks"),
    objects: sumOf(these, "objects"),
  };
}

function withinKeys(removals: readonly PastRemoval[]): readonly PastRemoval[] {
  let room = REMOVAL_KEYS_MAX_LENGTH;
  return removals.toReversed().map((one) => {
    if (one.keys === undefined) return one;
    const keys = one.keys.length <= room ? one.keys : shortened(one.keys);
    room -= keys.length;
    return { ...one, keys };
  }).toReversed();
}
