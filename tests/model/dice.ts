/** Chance that a seed repeats. */
export interface Dice {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  /** Whether something of this probability happens. */
  isHit(probability: number): boolean;
  /** One of them; undefined where there is none. */
  pick<T>(ones: readonly T[]): T | undefined;
  /** The same in another order. */
  shuffled<T>(ones: readonly T[]): T[];
}

/** The dice of one step: what came before it draws no number of it, so that a repeated step decides the same. */
export function diceOf(seed: number, step: number): Dice {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b)) >>> 0;
  function next(): number { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    isHit: (probability) => next() < probability,
    pick: (ones) => ones[below(ones.length)],
    shuffled: (ones) =>
      ones.map((one) => ({ one, at: next() })).sort((one, other) => one.at - other.at).map(({ one }) => one),
  };
}
