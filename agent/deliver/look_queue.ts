import type { Clock } from "$lib/clock.ts";

/** What is looked at. */
export interface Looked {
  readonly stackId: string;
  /** When the last look at it began, by the monotonic clock; kept by the queue. */
  lookedMs: number;
}

/** What a queue of looks needs. */
export interface LookQueueParts<T extends Looked> {
  readonly clock: Clock;
  /** One look. Must not reject. */
  readonly look: (item: T) => Promise<void>;
}

/** Milliseconds between two looks at the same object, at least. */
export const LOOK_SPACING_MS = 5_000;
/** So many looks are in progress at most, whatever is to be looked at. */
export const LOOKS_AT_ONCE = 8;
/** So many of them are of one stack: what never answers is waited for for a minute. */
export const LOOKS_OF_ONE_STACK = 4;

/** Looks that are due, in turn over the stacks, so that a large one does not keep the others waiting. */
export class LookQueue<T extends Looked> {
  readonly #parts: LookQueueParts<T>;
  readonly #waiting = new Map<T, { readonly dueMs: number; readonly cancel: () => void }>();
  readonly #ready = new Map<string, Set<T>>();
  /** With the time at which the next look is wanted, where somebody wanted one meanwhile. */
  readonly #looking = new Map<T, number | undefined>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(parts: LookQueueParts<T>) {
    this.#parts = parts;
  }

  /** Asks for a look at this time (monotonic) or, where the last one is too near, as soon as may be. */
  want(item: T, atMs: number): void {
    if (this.#isStopped || this.#ready.get(item.stackId)?.has(item) === true) return;
    if (this.#looking.has(item)) {
      this.#looking.set(item, Math.min(atMs, this.#looking.get(item) ?? Infinity));
      return;
    }
    const dueMs = Math.max(atMs, item.lookedMs + LOOK_SPACING_MS);
    const waiting = this.#waiting.get(item);
    if (waiting !== undefined && waiting.dueMs <= dueMs) return;
    waiting?.cancel();
    const restMs = dueMs - this.#parts.clock.monotonic();
    if (restMs <= 0) return this.#due(item);
    this.#waiting.set(item, { dueMs, cancel: this.#parts.clock.after(restMs, () => this.#due(item)) });
  }

  /** Looks at it no more, after the look in progress. */
  drop(item: T): void {
    this.#waiting.get(item)?.cancel();
    this.#waiting.delete(item);
    const ready = this.#ready.get(item.stackId);
    if (ready?.delete(item) === true && ready.size === 0) this.#ready.delete(item.stackId);
    if (this.#looking.has(item)) this.#looking.set(item, undefined);
  }

  /** Begins no more looks, and resolves when those in progress have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.forEach(({ cancel }) => cancel());
    this.#waiting.clear();
    this.#ready.clear();
    await Promise.all(this.#running);
  }

  #due(item: T): void {
    this.#waiting.delete(item);
    this.#ready.set(item.stackId, (this.#ready.get(item.stackId) ?? new Set()).add(item));
    this.#begin();
  }

  #begin(): void {
    while (this.#looking.size < LOOKS_AT_ONCE) {
      const item = this.#next();
      if (item === undefined) return;
      const running = this.#look(item).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  #next(): T | undefined {
    for (const [stackId, items] of this.#ready) {
      if (this.#inProgress(stackId) >= LOOKS_OF_ONE_STACK) continue;
      this.#ready.delete(stackId);
      const [item] = items;
      if (item === undefined) continue;
      items.delete(item);
      if (items.size > 0) this.#ready.set(stackId, items);
      return item;
    }
    return undefined;
  }

  #inProgress(stackId: string): number {
    return this.#looking.keys().reduce((count, item) => count + Number(item.stackId === stackId), 0);
  }

  async #look(item: T): Promise<void> {
    item.lookedMs = this.#parts.clock.monotonic();
    this.#looking.set(item, undefined);
    await this.#parts.look(item);
    const againMs = this.#looking.get(item);
    this.#looking.delete(item);
    if (againMs !== undefined) this.want(item, againMs);
    this.#begin();
  }
}
