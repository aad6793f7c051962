import { aborted, type Clock } from "$lib/clock.ts";

/** Turns many askings into one run, not sooner than so many milliseconds after the last one began. */
export class Wakeup {
  readonly #clock: Clock;
  #pauseMinMs: number;
  #asked = Promise.withResolvers<void>();
  #startedMs: number;

  constructor(clock: Clock, pauseMinMs: number) {
    this.#clock = clock;
    this.#pauseMinMs = pauseMinMs;
    this.#startedMs = -pauseMinMs;
  }

  /** Asks for a run. */
  ask(): void {
    this.#asked.resolve();
  }

  /** Says that a run begins: what was asked before is answered with it. */
  starts(): void {
    this.#asked = Promise.withResolvers();
    this.#startedMs = this.#clock.monotonic();
  }

  /** From now on a run begins so many milliseconds after the one before, at the earliest. */
  slowTo(pauseMinMs: number): void {
    this.#pauseMinMs = pauseMinMs;
  }

  /** Resolves when a run was asked for and may begin, or when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#asked.promise, aborted(signal)]);
    if (signal.aborted) return;
    const pauseMs = this.#startedMs + this.#pauseMinMs - this.#clock.monotonic();
    if (pauseMs > 0) await this.#clock.sleep(pauseMs, signal);
  }
}
