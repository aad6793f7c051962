import type { Clock } from "$lib/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly work: () => void;
}

/** Real milliseconds without anything in flight after which time moves: what was sent has arrived by then. */
const LULL_MS = 2;
/** The farthest that time moves at once. */
const LEAP_MS = 5_000;
/** Leaps in a row in which time does not move: more of them are somebody who never waits. */
const UNMOVED_MAX = 300;

/**
 * A clock on which time passes only while nothing is in flight: it leaps from timer to timer, so that an hour of
 * waiting takes a second, and a busy machine changes nothing of what is waited for.
 */
export class IdleClock implements Clock {
  readonly #isBusy: () => boolean;
  readonly #startMs = Date.now();
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;
  #leaps = 0;

  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy;
  }

  /** How often time has moved: what happens at one count happens at once. */
  get leaps(): number {
    return this.#leaps;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const cancel = this.after(ms, () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      });
      function stop(): void {
        cancel();
        reject(signal?.reason);
      }
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  after(ms: number, work: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, ms), work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /**
   * Lets so much time pass; `isOver`, asked at each leap, ends it before.
   *
   * @throws Where time stands still, because somebody begins anew at once whatever they have just ended: in real time
   * that keeps a processor busy.
   */
  async pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    let unmoved = 0;
    await this.lull();
    while (this.#elapsedMs < untilMs && !isOver()) {
      const dueMs = [...this.#timers].reduce((first, { dueMs }) => Math.min(first, dueMs), Infinity);
      const beforeMs = this.#elapsedMs;
      this.#elapsedMs = Math.max(beforeMs, Math.min(dueMs, beforeMs + LEAP_MS, untilMs));
      this.#leaps += 1;
      unmoved = this.#elapsedMs > beforeMs ? 0 : unmoved + 1;
      if (unmoved > UNMOVED_MAX) throw new Error(`Cannot let time pass: it stands still at ${beforeMs} ms`);
      const due = [...this.#timers].filter((timer) => timer.dueMs <= this.#elapsedMs);
      for (const timer of due) if (this.#timers.delete(timer)) timer.work();
      await this.lull();
    }
  }

  /** Resolves when nothing is in flight. */
  async lull(): Promise<void> {
    for (let quiet = 0; quiet < LULL_MS; quiet += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (this.#isBusy()) quiet = -1;
    }
  }
}
