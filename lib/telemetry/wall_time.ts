import type { Clock } from "$lib/clock.ts";

/** Milliseconds that the clock cuts off what it says at most: it says whole ones. */
const CUT_MS = 1;

/**
 * Wall time finer than the clock says it: of several processes, whose spans follow each other within less than a
 * millisecond, each would be wrong by up to one. What is added to monotonic time is the most that any reading gave,
 * because each cuts something off, until the clock is set back for certain: a process that stands still between the
 * two clocks reads a wall time that is too early, and had it been believed, what began next would seem to end late.
 */
export class WallTime {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  #offsetMs = -Infinity;

  constructor(clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
  }

  /** What is to be added to monotonic time now, for milliseconds since the Unix epoch. */
  offsetMs(): number {
    const beforeMs = this.#clock.monotonic();
    const nowMs = this.#clock.now();
    const leastMs = nowMs - this.#clock.monotonic();
    const mostMs = nowMs + CUT_MS - beforeMs;
    if (leastMs > this.#offsetMs || mostMs < this.#offsetMs) this.#offsetMs = leastMs;
    return this.#offsetMs;
  }
}
