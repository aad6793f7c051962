import type { Clock } from "$lib/clock.ts";

/** What a queue is made of. */
export interface BatchQueueParts<Item> {
  /** Sends some of the items, and never rejects; called outside of whatever added them. */
  readonly send: (items: readonly Item[]) => Promise<void>;
  /** Hears of each item that found the queue full: it is lost. */
  readonly onFull: () => void;
  /** Does the work outside of every span: a batch is of many requests, and of none. */
  readonly outside: (work: () => void) => void;
  readonly clock: Clock;
  /**
   * Milliseconds from the beginning of a request to that of the next, however much there is to send; left out: none.
   */
  readonly intervalMs?: number | undefined;
  /** Resolves when there is somewhere to send: until then all of it waits. Left out: at once. */
  readonly ready?: Promise<void> | undefined;
}

/** Items that may wait, those under way aside. */
export const QUEUE_MAX = 2_048;
/** Items in one request. */
export const BATCH_MAX = 512;
const IN_FLIGHT_MAX = 2;
/** How long an item waits for others at the most, while there is a request left to send it with. */
const DELAY_MS = 1_000;

/**
 * What waits to be sent: as soon as there is a batch of it, else after a second, two batches at once, and no faster
 * than its receiver takes them. Whoever adds never waits; what finds the queue full is lost, and counted.
 */
export class BatchQueue<Item> {
  readonly #parts: BatchQueueParts<Item>;
  #items: Item[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #intervalMs: number;
  #isReady: boolean;
  #nextMs = -Infinity;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: BatchQueueParts<Item>) {
    this.#parts = parts;
    this.#intervalMs = parts.intervalMs ?? 0;
    this.#isReady = parts.ready === undefined;
    void parts.ready?.then(() => {
      this.#isReady = true;
      parts.outside(() => this.#sendAll());
    });
  }

  /** Takes one more. */
  add(item: Item): void {
    if (this.#items.length >= QUEUE_MAX) return this.#parts.onFull();
    this.#items.push(item);
    if (this.#items.length >= BATCH_MAX && this.#maySend) this.#parts.outside(() => this.#sendFull());
    else this.#wait();
  }

  /**
   * Sends all there is, at any pace; resolves once none of it is under way any more, nor what was added meanwhile. What
   * there is nowhere to send for is left.
   */
  async flush(): Promise<void> {
    while (this.#isReady && this.#items.length + this.#underWay.size > 0) {
      this.#nextMs = -Infinity;
      this.#parts.outside(() => this.#sendAll());
      await Promise.race(this.#underWay);
    }
    this.#cancel();
  }

  get #maySend(): boolean {
    return this.#isReady && this.#underWay.size < IN_FLIGHT_MAX && this.#parts.clock.monotonic() >= this.#nextMs;
  }

  #sendAll(): void {
    this.#cancel();
    while (this.#items.length > 0 && this.#maySend) this.#sendNext();
    if (this.#items.length > 0) this.#wait();
  }

  #sendFull(): void {
    while (this.#items.length >= BATCH_MAX && this.#maySend) this.#sendNext();
    if (this.#items.length === 0) this.#cancel();
  }

  #sendNext(): void {
    this.#nextMs = this.#parts.clock.monotonic() + this.#intervalMs;
    const sent = this.#parts.send(this.#items.splice(0, BATCH_MAX)).finally(() => {
      this.#underWay.delete(sent);
      this.#sendFull();
      if (this.#items.length > 0) this.#wait();
    });
    this.#underWay.add(sent);
  }

  /** While all requests are under way, the one that ends first is waited for. */
  #wait(): void {
    if (!this.#isReady || this.#cancelTimer !== undefined || this.#underWay.size === IN_FLIGHT_MAX) return;
    const { clock, outside } = this.#parts;
    const pauseMs = Math.max(DELAY_MS, this.#nextMs - clock.monotonic());
    outside(() => {
      this.#cancelTimer = clock.after(pauseMs, () => this.#sendAll());
    });
  }

  #cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
