/**
 * Values kept by their keys while together they are no larger than they may be: then those go first that were unused
 * for longest. One that is larger alone is kept alone.
 */
export class LruCache<Key, Value> {
  readonly #maxSize: number;
  readonly #sizeOf: (value: Value) => number;
  /** The longest unused first. */
  readonly #values = new Map<Key, Value>();
  #size = 0;

  /**
   * @param maxSize What all values may take together.
   * @param sizeOf What a value takes, in the unit of `maxSize`, always the same of the same value; by default 1.
   */
  constructor(maxSize: number, sizeOf: (value: Value) => number = () => 1) {
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
  }

  has(key: Key): boolean {
    return this.#values.has(key);
  }

  /** The value of this key, which is used with that. */
  find(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** Keeps a value in place of the key's former one. */
  keep(key: Key, value: Value): void {
    this.#remove(key);
    this.makeRoom(this.#sizeOf(value));
    this.#values.set(key, value);
    this.#size += this.#sizeOf(value);
  }

  /** Lets so many go that there is room for another of this size. */
  makeRoom(size: number): void {
    for (const key of this.#values.keys()) {
      if (this.#size + size <= this.#maxSize) return;
      this.#remove(key);
    }
  }

  clear(): void {
    this.#values.clear();
    this.#size = 0;
  }

  #remove(key: Key): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#size -= this.#sizeOf(value);
  }
}
