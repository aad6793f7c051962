import { setImmediate } from "node:timers/promises";
import type { Clock } from "$lib/clock.ts";

/** How a {@linkcode ManualClock} starts and moves. */
export interface ManualClockOptions {
  /** What `now()` says at the start, in milliseconds since the Unix epoch. */
  readonly nowMs?: number;
  /** Lets every sleep end at once, its time passed: for loops that a test runs to their end. */
  readonly skipsSleeps?: boolean;
}

interface Timer {
  readonly dueMs: number;
  readonly work: () => void;
}

/** A clock that stands still until a test moves it; it starts at 2026-01-01T00:00:00Z, its monotonic time at 0. */
export class ManualClock implements Clock {
  /** Milliseconds of every sleep asked for, in order, whether or not it has ended. */
  readonly slept: number[] = [];
  #startMs: number;
  readonly #skipsSleeps: boolean;
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;

  constructor({ nowMs = Date.UTC(2026, 0, 1), skipsSleeps = false }: ManualClockOptions = {}) {
    this.#startMs = nowMs;
    this.#skipsSleeps = skipsSleeps;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  /** Sets the wall time back by `ms` milliseconds, as who corrects a machine's clock does. */
  setBack(ms: number): void {
    this.#startMs -= ms;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** How many sleeps and timers have not ended yet. */
  get pending(): number {
    return this.#timers.size;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    if (!this.#skipsSleeps) return await this.#wait(ms, signal);
    await this.advance(ms);
    signal?.throwIfAborted();
  }

  after(ms: number, work: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, ms), work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /**
   * Moves time by `ms` milliseconds. What falls due runs in order, each at its own time, and what follows from it
   * (a loop's next sleep, say) runs before the next; so one step of 60 s is as good as sixty of 1 s.
   */
  async advance(ms: number): Promise<void> {
    await this.settle();
    const untilMs = this.#elapsedMs + ms;
    for (let timer = this.#nextDue(untilMs); timer !== undefined; timer = this.#nextDue(untilMs)) {
      this.#timers.delete(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      timer.work();
      await this.settle();
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
  }

  /** Lets everything run that waits for neither time nor the outside world. */
  async settle(): Promise<void> {
    await setImmediate();
  }

  #nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }

  #wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
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
}
