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
}

/** Items that may wait, those under way aside. */
export const QUEUE_MAX = 2_048;
/** Items in one request. */
export const BATCH_MAX = 512;
const IN_FLIGHT_MAX = 2;
/** How long an item waits for others at the most, while there is a request left to send it with. */
const DELAY_MS = 1_000;

/**
 * What waits to be sent: as soon as there is a batch of it, else after a second, two batches at once. Whoever adds never
 * waits; what finds the queue full is lost, and counted.
 */
export class BatchQueue<Item> {
  readonly #parts: BatchQueueParts<Item>;
  #items: Item[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #cancelTimer: (() => void) | undefined;

  constructor(parts: BatchQueueParts<Item>) {
    this.#parts = parts;
  }

  /** Takes one more. */
  add(item: Item): void {
    if (this.#items.length >= QUEUE_MAX) return this.#parts.onFull();
    this.#items.push(item);
    if (this.#items.length >= BATCH_MAX) this.#parts.outside(() => this.#sendFull());
    else this.#wait();
  }

  /** Sends all there is; resolves once none of it is under way any more, nor what was added meanwhile. */
  async flush(): Promise<void> {
    while (this.#items.length + this.#underWay.size > 0) {
      this.#parts.outside(() => this.#sendAll());
      await Promise.race(this.#underWay);
    }
    this.#cancel();
  }

  #sendAll(): void {
    this.#cancel();
    while (this.#items.length > 0 && this.#underWay.size < IN_FLIGHT_MAX) this.#sendNext();
  }

  #sendFull(): void {
    while (this.#items.length >= BATCH_MAX && this.#underWay.size < IN_FLIGHT_MAX) this.#sendNext();
    if (this.#items.length === 0) this.#cancel();
  }

  #sendNext(): void {
    const sent = this.#parts.send(this.#items.splice(0, BATCH_MAX)).finally(() => {
      this.#underWay.delete(sent);
      this.#sendFull();
      if (this.#items.length > 0) this.#wait();
    });
    this.#underWay.add(sent);
  }

  /** While all requests are under way, the one that ends first is waited for. */
  #wait(): void {
    if (this.#cancelTimer !== undefined || this.#underWay.size === IN_FLIGHT_MAX) return;
    this.#parts.outside(() => {
      this.#cancelTimer = this.#parts.clock.after(DELAY_MS, () => this.#sendAll());
    });
  }

  #cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
