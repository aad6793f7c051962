/** What is in flight; what a fault holds back is not, as time alone ends it. */
export class Traffic {
  #inFlight = 0;

  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#inFlight += 1;
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Within {@linkcode during}: waits for what only time, or somebody's end, brings. */
  async held<T>(wait: () => Promise<T>): Promise<T> {
    this.#inFlight -= 1;
    try {
      return await wait();
    } finally {
      this.#inFlight += 1;
    }
  }
}
