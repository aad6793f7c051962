import type { Clock } from "$lib/clock.ts";
import { unavailable } from "./failures.ts";

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * As many turns at the database as it has connections, given in the order in which they were asked for. The driver would
 * queue without end, and behind whatever statement happens to be slow.
 */
export class Slots {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #waiting = new Set<Waiting>();
  #free: number;
  #isClosed = false;

  constructor(size: number, { clock, deadlineMs }: { readonly clock: Clock; readonly deadlineMs: number }) {
    this.#free = size;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Takes one; give it back by `release`.
   *
   * @throws {Failure} `unavailable` when none is free in time, or after `close`.
   */
  take(): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable("it is closed"));
    if (this.#free === 0) return this.#wait();
    this.#free -= 1;
    return Promise.resolve();
  }

  /** Gives one back, to whoever waits longest. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next.resolve();
  }

  /** Refuses everyone who waits and who comes. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting) reject(unavailable("it is closed"));
    this.#waiting.clear();
  }

  async #wait(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { resolve, reject };
    this.#waiting.add(waiting);
    const cancel = this.#clock.after(this.#deadlineMs, () => {
      this.#waiting.delete(waiting);
      reject(unavailable(`no connection was free within ${this.#deadlineMs} ms`));
    });
    try {
      await promise;
    } finally {
      cancel();
    }
  }
}
