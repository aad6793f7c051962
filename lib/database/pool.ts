import type { Clock } from "$lib/clock.ts";
import type { Driver } from "./driver.ts";

/** A driver, and how much of the door's work runs on it: it can be given up without cutting off what still works. */
export class Pool {
  readonly driver: Driver;
  readonly #clock: Clock;
  readonly #ended = Promise.withResolvers<void>();
  #running = 0;
  #isRetired = false;
  #isEnding = false;

  constructor(driver: Driver, clock: Clock) {
    this.driver = driver;
    this.#clock = clock;
  }

  /** Runs `work` as something that {@linkcode retire} waits for. */
  async run<T>(work: (driver: Driver) => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work(this.driver);
    } finally {
      this.#running -= 1;
      if (this.#isRetired && this.#running === 0) this.#end();
    }
  }

  /** Closes every connection once nothing runs any more, and in `graceMs` milliseconds whatever runs; resolves then. */
  async retire(graceMs: number): Promise<void> {
    this.#isRetired = true;
    if (this.#running === 0) this.#end();
    const cancel = this.#clock.after(graceMs, () => this.#end());
    await this.#ended.promise;
    cancel();
  }

  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#ended.resolve(this.driver.end());
  }
}
