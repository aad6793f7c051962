import { type Clock, deadline, unlessAborted } from "$lib/clock.ts";
import type { Driver } from "./driver.ts";

/** A server's address. */
export interface ServerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** What finding the primary needs. */
export interface PrimaryParts {
  /** Connects to one of the servers; the caller ends that. */
  readonly connectTo: (host: ServerAddress) => Driver;
  readonly clock: Clock;
}

/** Milliseconds that a server has to say what it is. */
const ANSWER_MS = 5_000;

/**
 * Of several servers the one that takes writes. All are asked before each connection, at once, as one of them may have
 * become it since. The driver's own way (`target_session_attrs`) tries one after the other without a pause and without
 * an end, and what waits for it hears nothing.
 */
export class Primary {
  readonly #hosts: readonly ServerAddress[];
  readonly #parts: PrimaryParts;
  #finding: Promise<ServerAddress> | undefined;
  #last: ServerAddress | undefined;

  constructor(hosts: readonly ServerAddress[], parts: PrimaryParts) {
    this.#hosts = hosts;
    this.#parts = parts;
  }

  /**
   * The primary; who asks while that is being found out waits for the same answer.
   *
   * @throws An error as the driver's, with a code, when none of them is one now.
   */
  find(): Promise<ServerAddress> {
    return this.#finding ??= this.#find().finally(() => this.#finding = undefined);
  }

  /** The one that was found last, which may be none any more. */
  get last(): ServerAddress | undefined {
    return this.#last;
  }

  async #find(): Promise<ServerAddress> {
    try {
      return this.#last = await Promise.any(this.#hosts.map((host) => this.#ifPrimary(host)));
    } catch (error) {
      throw error instanceof AggregateError ? mostSpecific(error.errors) : error;
    }
  }

  async #ifPrimary(host: ServerAddress): Promise<ServerAddress> {
    const { connectTo, clock } = this.#parts;
    using limit = deadline(clock, ANSWER_MS);
    const driver = connectTo(host);
    try {
      const [row] = await unlessAborted(isStandby(driver), limit.signal);
      if ((row as { readonly is_standby?: boolean } | undefined)?.is_standby !== false) throw noPrimary();
      return host;
    } finally {
      void driver.end();
    }
  }
}

function isStandby(driver: Driver): Promise<readonly object[]> {
  return ((piece: TemplateStringsArray) => driver.run(piece, []))`select pg_is_in_recovery() as is_standby`;
}

/** What a server refuses says more than that another is a standby or is not there. */
function mostSpecific(errors: readonly unknown[]): unknown {
  return errors.find((error) => error instanceof Error && "severity" in error) ?? noPrimary();
}

function noPrimary(): Error {
  return Object.assign(new Error("none of the servers is the primary"), { code: "NO_PRIMARY" });
}
