/**
 * So much work at once, and of each owner one piece: who waits gets turns by owner, so that whoever has much to do
 * delays itself alone.
 */
export class FairTurns {
  readonly #atOnce: number;
  readonly #running = new Set<string>();
  /** Those who wait, the owner first whose turn is next. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Does the work in the owner's turn. */
  async inTurn<Result>(owner: string, work: () => Promise<Result>): Promise<Result> {
    await new Promise<void>((start) => {
      this.#waiting.set(owner, [...this.#waiting.get(owner) ?? [], start]);
      this.#startNext();
    });
    try {
      return await work();
    } finally {
      this.#running.delete(owner);
      this.#putBehind(owner);
      this.#startNext();
    }
  }

  #putBehind(owner: string): void {
    const own = this.#waiting.get(owner);
    this.#waiting.delete(owner);
    if (own !== undefined) this.#waiting.set(owner, own);
  }

  #startNext(): void {
    if (this.#running.size >= this.#atOnce) return;
    const next = [...this.#waiting].find(([owner]) => !this.#running.has(owner));
    if (next === undefined) return;
    const [owner, [start, ...later]] = next;
    if (later.length === 0) this.#waiting.delete(owner);
    else this.#waiting.set(owner, later);
    this.#running.add(owner);
    start?.();
  }
}
