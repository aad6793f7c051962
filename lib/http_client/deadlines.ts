import type { Clock } from "$lib/clock.ts";

interface Entry {
  readonly dueMs: number;
  readonly late: () => void;
}

/** Deadlines of much that is under way at once, by one timer: hardly any is ever missed, and each timer costs. */
export class Deadlines {
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  readonly #entries = new Set<Entry>();
  /** When the timer fires; of what is due later it hears then. */
  #timerMs = Infinity;
  #cancelTimer = () => {};

  constructor(clock: Pick<Clock, "after" | "monotonic">) {
    this.#clock = clock;
  }

  /** Calls `late` once after `ms` milliseconds, unless the returned function is called first. */
  after(ms: number, late: () => void): () => void {
    const nowMs = this.#clock.monotonic();
    const entry = { dueMs: nowMs + ms, late };
    this.#entries.add(entry);
    if (entry.dueMs < this.#timerMs) this.#setTimer(entry.dueMs, nowMs);
    return () => {
      this.#entries.delete(entry);
      if (this.#entries.size === 0) this.#setTimer(Infinity, nowMs);
    };
  }

  #setTimer(dueMs: number, nowMs: number): void {
    this.#cancelTimer();
    this.#timerMs = dueMs;
    this.#cancelTimer = dueMs === Infinity ? () => {} : this.#clock.after(dueMs - nowMs, () => this.#fire());
  }

  #fire(): void {
    const nowMs = Math.max(this.#timerMs, this.#clock.monotonic()); // a timer may be a fraction of a millisecond early
    const late = [...this.#entries].filter(({ dueMs }) => dueMs <= nowMs);
    late.forEach((entry) => this.#entries.delete(entry));
    this.#setTimer(Math.min(...[...this.#entries].map(({ dueMs }) => dueMs)), nowMs);
    late.forEach((entry) => entry.late());
  }
}
