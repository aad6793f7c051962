const AT_ONCE = 4;

/** Lets so many look-ups of keys that are not cached run at once, in the order in which they came: strangers' too. */
export class KeyLookups {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Runs `lookUp` in its turn. */
  async inTurn<Key>(lookUp: () => Promise<Key>): Promise<Key> {
    await this.#enter();
    try {
      return await lookUp();
    } finally {
      this.#leave();
    }
  }

  #enter(): Promise<void> {
    if (this.#running < AT_ONCE) {
      this.#running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next();
    this.#running -= 1;
  }
}
