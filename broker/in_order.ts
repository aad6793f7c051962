/** Work with the same key goes one after the other, in the order in which it came; other work waits for none of it. */
export class InOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does the work once what came before it with its key has ended, however that ended. */
  run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const last = this.#last.get(key);
    const result = last === undefined ? work() : last.then(work, work);
    this.#last.set(key, result);
    const forget = () => {
      if (this.#last.get(key) === result) this.#last.delete(key);
    };
    result.then(forget, forget);
    return result;
  }
}
