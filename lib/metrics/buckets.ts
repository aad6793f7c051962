/** The most bounds that a histogram may have. */
export const MAX_BOUNDS = 31;

/**
 * Finds the bucket of a value by five comparisons whose results are added and never branched on: what is observed comes
 * in no order, and a processor that guesses a branch wrong loses more time than all of this takes.
 */
export class Buckets {
  /** The bounds, then infinity. */
  readonly #limits = new Float64Array(MAX_BOUNDS + 1).fill(Infinity);

  /** @param bounds Growing, at most {@linkcode MAX_BOUNDS} of them. */
  constructor(bounds: readonly number[]) {
    this.#limits.set(bounds);
  }

  /** The place of the first bound that is not below `value`; behind the last bound when all of them are. */
  placeOf(value: number): number {
    const limits = this.#limits;
    let place = 16 * Number(value > (limits[15] ?? Infinity));
    place += 8 * Number(value > (limits[place + 7] ?? Infinity));
    place += 4 * Number(value > (limits[place + 3] ?? Infinity));
    place += 2 * Number(value > (limits[place + 1] ?? Infinity));
    return place + Number(value > (limits[place] ?? Infinity));
  }
}
