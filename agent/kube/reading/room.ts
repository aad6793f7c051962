/**
 * Room for what is large: nobody enters who does not fit in beside the others, but alone; whoever came first goes
 * first.
 */
export class Room {
  readonly #size: number;
  readonly #waiting = new Set<{ readonly size: number; readonly enter: () => void }>();
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** What those inside take of it. */
  get used(): number {
    return this.#used;
  }

  /** Whether somebody of this size would not have to wait. */
  isFreeFor(size: number): boolean {
    return this.#waiting.size === 0 && this.#fits(size);
  }

  /** Resolves when there is room; whoever entered leaves. @throws The signal's reason when it aborts before. */
  async enter(size: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.isFreeFor(size)) {
      this.#used += size;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const one = { size, enter: resolve };
    const giveUp = () => {
      this.#waiting.delete(one);
      this.#letIn();
      reject(signal.reason);
    };
    this.#waiting.add(one);
    signal.addEventListener("abort", giveUp, { once: true });
    await promise;
    signal.removeEventListener("abort", giveUp);
  }

  leave(size: number): void {
    this.#used -= size;
    this.#letIn();
  }

  #letIn(): void {
    for (const one of this.#waiting) {
      if (!this.#fits(one.size)) return;
      this.#waiting.delete(one);
      this.#used += one.size;
      one.enter();
    }
  }

  #fits(size: number): boolean {
    return this.#used === 0 || this.#used + size <= this.#size;
  }
}
