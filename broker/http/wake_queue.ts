import type { Clock } from "$lib/clock.ts";

/** What the pace of waking depends on. */
export interface WakePace {
  readonly clock: Clock;
  /** Milliseconds over which 5,000 are woken while the broker has nothing else to do. */
  readonly wakeSpreadMs: number;
  /** How many requests the broker is answering now. */
  readonly inFlight: () => number;
}

/** So many are woken at once. */
const BURST = 20;
/** What the spread is told for. */
const SPREAD_FOR = 5_000;
/** From so many requests in flight on, the pauses grow with their square: work arrives as fast as it is done. */
const IN_FLIGHT_EASY = 16;
/** However much is in flight, one is woken after this. */
const PAUSE_MAX_MS = 20;

/**
 * Those that are to be woken, in turn: woken all at once, they would all poll at once. Each costs the broker several
 * requests, so the more of those are in flight, the longer the pause before the next one.
 */
export class WakeQueue<Sleeper extends { readonly wake: () => void }> {
  readonly #pace: WakePace;
  readonly #sleepers = new Set<Sleeper>();
  /** When the next one may be woken; as far behind now as a burst is long, at the most. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(pace: WakePace) {
    this.#pace = pace;
  }

  /** Has all of these woken, after those that wait already. */
  add(sleepers: readonly Sleeper[]): void {
    for (const sleeper of sleepers) this.#sleepers.add(sleeper);
    if (this.#cancelTimer === undefined) this.#wakeDue();
  }

  /** Has one of them sleep on, if it still does. */
  remove(sleeper: Sleeper): void {
    if (!this.#sleepers.delete(sleeper) || this.#sleepers.size > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #wakeDue(): void {
    this.#cancelTimer = undefined;
    for (const sleeper of this.#sleepers) {
      const waitMs = this.#dueMs - this.#pace.clock.monotonic();
      if (waitMs > 0) {
        this.#cancelTimer = this.#pace.clock.after(waitMs, () => this.#wakeDue());
        return;
      }
      this.#sleepers.delete(sleeper);
      this.#takeTurn();
      sleeper.wake();
    }
  }

  #takeTurn(): void {
    const { clock, wakeSpreadMs, inFlight } = this.#pace;
    const pauseMs = wakeSpreadMs / SPREAD_FOR;
    const brake = Math.max(1, (inFlight() / IN_FLIGHT_EASY) ** 2);
    const earliestMs = clock.monotonic() - (BURST - 1) * pauseMs;
    this.#dueMs = Math.max(this.#dueMs, earliestMs) + Math.min(pauseMs * brake, PAUSE_MAX_MS);
  }
}
