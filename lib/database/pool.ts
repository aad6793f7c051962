import type { Clock } from "$lib/clock.ts";
import { Watchdog } from "$lib/watchdog.ts";
import type { Driver } from "./driver.ts";

/** Milliseconds without an answer after which a connection counts as dead: more than the server's own limit of 30 s. */
const SILENCE_MS = 40_000;

/** What a pool is made of. */
export interface PoolParts {
  readonly driver: Driver;
  readonly clock: Clock;
  /** Called when a statement has no answer for long: a network that swallows packets tells nobody. */
  readonly silent: () => void;
}

/** A driver, and how much of the door's work runs on it: it can be given up without cutting off what still works. */
export class Pool {
  readonly driver: Driver;
  readonly #clock: Clock;
  readonly #watchdog: Watchdog;
  readonly #silent: () => void;
  readonly #ended = Promise.withResolvers<void>();
  #running = 0;
  #isRetired = false;
  #isEnding = false;

  constructor({ driver, clock, silent }: PoolParts) {
    this.driver = driver;
    this.#clock = clock;
    this.#watchdog = new Watchdog({ clock, limitMs: SILENCE_MS });
    this.#silent = silent;
  }

  /** Runs a statement, or a transaction's whole work, as something that {@linkcode retire} waits for. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#isRetired && this.#running === 0) this.#end();
    }
  }

  /** Waits for a statement's answer, watching for silence. */
  answer<T>(statement: () => Promise<T>): Promise<T> {
    return this.#watchdog.over(statement, this.#silent);
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
    this.#watchdog.stop();
    this.#ended.resolve(this.driver.end());
  }
}
