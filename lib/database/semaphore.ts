import type { Clock } from "$lib/clock.ts";
import type { DatabaseMetrics, Share } from "$lib/database.ts";
import { bound, type BoundGauge } from "$lib/metrics.ts";
import { unavailable } from "./failures.ts";
import type { ShareLimits } from "./shares.ts";

/** Whose turn it is: a share's, or that of who may use the whole pool. */
export type Taker = Share | "whole";

interface Waiting {
  /** Whoever asked first has the lowest. */
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How turns are given. */
export interface SemaphoreOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** How many of the turns each share may have; all of them when left out. */
  readonly limits?: ShareLimits;
  /** Show how many turns are taken. */
  readonly metrics?: Pick<DatabaseMetrics, "connections" | "pool"> | undefined;
}

/** Of one taker: who waits, and how many turns it has. */
interface Queue {
  readonly limit: number;
  readonly waiting: Set<Waiting>;
  readonly busy: BoundGauge | undefined;
  taken: number;
}

/**
 * As many turns at the database as it has connections, given in the order in which they were asked for, to each share
 * no more than its own. The driver would queue without end, and behind whatever statement happens to be slow.
 */
export class Semaphore {
  readonly #size: number;
  readonly #options: SemaphoreOptions;
  readonly #queues: Readonly<Record<Taker, Queue>>;
  readonly #busy: BoundGauge | undefined;
  #taken = 0;
  #asked = 0;
  #isClosed = false;

  constructor(size: number, options: SemaphoreOptions) {
    this.#size = size;
    this.#options = options;
    const { limits, metrics } = options;
    this.#busy = metrics && bound(metrics.connections, { state: "busy" });
    metrics?.connections.record(size, { state: "limit" });
    const queueOf = (limit: number, busy?: BoundGauge) => ({ limit, waiting: new Set<Waiting>(), busy, taken: 0 });
    const ofShare = (share: Share) => {
      const limit = limits?.[share] ?? size;
      metrics?.pool.record(limit, { share, state: "limit" });
      return queueOf(limit, metrics && bound(metrics.pool, { share, state: "busy" }));
    };
    this.#queues = { hot: ofShare("hot"), bulk: ofShare("bulk"), gauges: ofShare("gauges"), whole: queueOf(size) };
  }

  /**
   * Takes one; give it back by `release`.
   *
   * @throws {Failure} `unavailable` when none is free in time, or after `close`.
   */
  take(taker: Taker = "whole"): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable("it is closed"));
    const queue = this.#queues[taker];
    if (!this.#isFree(queue)) return this.#wait(queue);
    this.#changeBy(1, queue);
    this.#show(queue);
    return Promise.resolve();
  }

  /** Gives one back, to whoever waits longest of those that may have it: what changes hands is shown as taken. */
  release(taker: Taker = "whole"): void {
    const queue = this.#queues[taker];
    this.#changeBy(-1, queue);
    const next = this.#next();
    if (next !== undefined) this.#changeBy(1, next.queue);
    this.#show(queue);
    if (next === undefined) return;
    if (next.queue !== queue) this.#show(next.queue);
    next.queue.waiting.delete(next.waiting);
    next.waiting.resolve();
  }

  /** Refuses everyone who waits and who comes. */
  close(): void {
    this.#isClosed = true;
    for (const { waiting } of this.#all()) {
      for (const { reject } of waiting) reject(unavailable("it is closed"));
      waiting.clear();
    }
  }

  #next(): { readonly queue: Queue; readonly waiting: Waiting } | undefined {
    let next: { readonly queue: Queue; readonly waiting: Waiting } | undefined;
    for (const queue of this.#all()) {
      const [waiting] = queue.waiting;
      if (waiting === undefined || !this.#isFree(queue)) continue;
      if (next === undefined || waiting.number < next.waiting.number) next = { queue, waiting };
    }
    return next;
  }

  #all(): readonly Queue[] {
    return Object.values(this.#queues);
  }

  #isFree({ taken, limit }: Queue): boolean {
    return taken < limit && this.#taken < this.#size;
  }

  #changeBy(by: number, queue: Queue): void {
    this.#taken += by;
    queue.taken += by;
  }

  #show(queue: Queue): void {
    this.#busy?.record(this.#taken);
    queue.busy?.record(queue.taken);
  }

  async #wait(queue: Queue): Promise<void> {
    const { clock, deadlineMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { number: this.#asked++, resolve, reject };
    queue.waiting.add(waiting);
    const cancel = clock.after(deadlineMs, () => {
      queue.waiting.delete(waiting);
      reject(unavailable(`no connection was free within ${deadlineMs} ms`));
    });
    try {
      await promise;
    } finally {
      cancel();
    }
  }
}
