import { aborted, type Clock } from "$lib/clock.ts";

/** How runs are kept apart. */
export interface Spacing {
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Milliseconds from the beginning of a run to that of the next, at the least. */
  readonly pauseMinMs: number;
}

/** What cuts a loop's pause short: many askings become one run. */
export class Wakeup {
  readonly #clock: Spacing["clock"] | undefined;
  #pauseMinMs: number;
  #asked = Promise.withResolvers<void>();
  #isAsked = false;
  #isResting = false;
  #startedMs = Number.NEGATIVE_INFINITY;

  /** Without a spacing a run may follow the one before at once. */
  constructor(spacing?: Spacing) {
    this.#clock = spacing?.clock;
    this.#pauseMinMs = spacing?.pauseMinMs ?? 0;
  }

  /** Asks for a run. */
  ask(): void {
    this.#isAsked = true;
    this.#asked.resolve();
  }

  /**
   * Says that a run begins: what was asked before is answered with it.
   *
   * @returns Whether it was asked for.
   */
  starts(): boolean {
    const isAsked = this.#isAsked;
    this.#isAsked = false;
    this.#isResting = false;
    this.#asked = Promise.withResolvers();
    this.#startedMs = this.#clock?.monotonic() ?? this.#startedMs;
    return isAsked;
  }

  /** Says that the run failed: whatever is asked, the loop's own back-off is not cut short before the next begins. */
  rest(): void {
    this.#isResting = true;
  }

  /** From now on a run begins so many milliseconds after the one before, at the earliest. */
  slowTo(pauseMinMs: number): void {
    this.#pauseMinMs = pauseMinMs;
  }

  /** Resolves when a run was asked for and may begin, or when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    await Promise.race([...(this.#isResting ? [] : [this.#asked.promise]), aborted(signal)]);
    if (signal.aborted || this.#clock === undefined) return;
    const pauseMs = this.#startedMs + this.#pauseMinMs - this.#clock.monotonic();
    if (pauseMs > 0) await this.#clock.sleep(pauseMs, signal);
  }
}
