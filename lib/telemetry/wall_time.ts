import type { Clock } from "$lib/clock.ts";

/** How far the clock may seem to have gone back without having been set: it says whole milliseconds, cut off. */
const SEEMING_MS = 1.5;

/**
 * Wall time finer than the clock says it: of several processes, whose spans follow each other within less than a
 * millisecond, each would be wrong by up to one. What is added to monotonic time is the most that any reading gave,
 * because each cuts something off, until the clock is set back.
 */
export class WallTime {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  #offsetMs = -Infinity;

  constructor(clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
  }

  /** What is to be added to monotonic time now, for milliseconds since the Unix epoch. */
  offsetMs(): number {
    const readMs = this.#clock.now() - this.#clock.monotonic();
    if (readMs > this.#offsetMs || readMs < this.#offsetMs - SEEMING_MS) this.#offsetMs = readMs;
    return this.#offsetMs;
  }
}
