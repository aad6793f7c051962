import type { Clock } from "$lib/clock.ts";
import type { GaugeCell } from "$lib/metrics.ts";
import { unavailable } from "./failures.ts";

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How turns are given. */
export interface SemaphoreOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** Shows how many turns are taken. */
  readonly busy?: GaugeCell | undefined;
}

/**
 * As many turns at the database as it has connections, given in the order in which they were asked for. The driver would
 * queue without end, and behind whatever statement happens to be slow.
 */
export class Semaphore {
  readonly #size: number;
  readonly #options: SemaphoreOptions;
  readonly #waiting = new Set<Waiting>();
  #taken = 0;
  #isClosed = false;

  constructor(size: number, options: SemaphoreOptions) {
    this.#size = size;
    this.#options = options;
  }

  /**
   * Takes one; give it back by `release`.
   *
   * @throws {Failure} `unavailable` when none is free in time, or after `close`.
   */
  take(): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable("it is closed"));
    if (this.#taken === this.#size) return this.#wait();
    this.#changeBy(1);
    return Promise.resolve();
  }

  /** Gives one back, to whoever waits longest. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) return this.#changeBy(-1);
    this.#waiting.delete(next);
    next.resolve();
  }

  /** Refuses everyone who waits and who comes. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting) reject(unavailable("it is closed"));
    this.#waiting.clear();
  }

  #changeBy(by: number): void {
    this.#taken += by;
    this.#options.busy?.set(this.#taken);
  }

  async #wait(): Promise<void> {
    const { clock, deadlineMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { resolve, reject };
    this.#waiting.add(waiting);
    const cancel = clock.after(deadlineMs, () => {
      this.#waiting.delete(waiting);
      reject(unavailable(`no connection was free within ${deadlineMs} ms`));
    });
    try {
      await promise;
    } finally {
      cancel();
    }
  }
}
