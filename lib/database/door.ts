import type { Attributes } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import {
  type Database,
  type DatabaseMetrics,
  type Listener,
  type Share,
  type SharedDatabase,
  type Sql,
  type SqlValue,
  type Transaction,
} from "$lib/database.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { Driver } from "./driver.ts";
import { breaksConnection, translated } from "./failures.ts";
import { Meter } from "./meter.ts";
import type { Notices } from "./notices.ts";
import { Pool } from "./pool.ts";
import { Semaphore, type Taker } from "./semaphore.ts";
import { shareLimits } from "./shares.ts";
import { inTransaction } from "./transaction.ts";
import { sqlOver } from "./sql.ts";

/** Milliseconds that a statement may wait for a connection. */
const CONNECTION_DEADLINE_MS = 5_000;
/** Milliseconds for which statements on other connections may go on when one connection breaks, or at the end. */
const GRACE_MS = 5_000;

/** What a door is made of. */
export interface DoorParts {
  /** Makes a set of so many connections: the pool, or one beside it. */
  readonly connect: (size: number) => Driver;
  readonly poolSize: number;
  /** Makes a connection beside the pool; left out where the database bears no more than the pool's. */
  readonly connectBeside?: () => Driver;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly metrics: DatabaseMetrics | undefined;
  readonly tracing: Pick<Tracing, "current"> | undefined;
  /** What spans say of the server, as it is now. */
  readonly server: () => Attributes;
  /** Called when a statement has had no answer for 40 s, its connection given up. */
  readonly silent: () => void;
  /** Ends what lies behind the connections. */
  readonly closed: () => Promise<void>;
}

/** The one way to a database: gives turns, counts and times, translates errors, and replaces what broke. */
export class Door implements Database {
  readonly sql: Sql;
  readonly #parts: DoorParts;
  readonly #semaphore: Semaphore;
  readonly #shares: Readonly<Record<Share, SharedDatabase>>;
  readonly #meter: Meter;
  readonly #stop = new AbortController();
  readonly #retiring = new Set<Promise<void>>();
  #pool: Pool;
  #closing: Promise<void> | undefined;

  constructor(parts: DoorParts) {
    this.#parts = parts;
    const { clock, poolSize, metrics } = parts;
    const limits = shareLimits(poolSize);
    this.#semaphore = new Semaphore(poolSize, { clock, deadlineMs: CONNECTION_DEADLINE_MS, limits, metrics });
    this.#meter = new Meter(parts);
    this.#pool = this.#freshPool();
    this.sql = this.#sqlOf("whole");
    const shared = (share: Share): SharedDatabase => ({
      sql: this.#sqlOf(share),
      transaction: (work) => this.#transaction(share, work),
    });
    this.#shares = { hot: shared("hot"), bulk: shared("bulk"), gauges: shared("gauges") };
  }

  share(share: Share): SharedDatabase {
    return this.#shares[share];
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#transaction("whole", work);
  }

  async longTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { connectBeside } = this.#parts;
    if (connectBeside === undefined) {
      return await this.#turn("whole", (pool) => this.#long(pool.driver, work, (error) => this.#failed(pool, error)));
    }
    const driver = connectBeside();
    try {
      return await this.#long(driver, work, translated);
    } finally {
      await driver.end();
    }
  }

  async notify(channel: string, payloads: readonly string[]): Promise<void> {
    const notices = payloads.map((payload) => ({ channel, payload }));
    await this.#turn("hot", async (pool) => {
      try {
        await pool.answer(() => this.#parts.notices.send(pool.driver, notices));
      } catch (error) {
        throw this.#failed(pool, error);
      }
    });
  }

  async listen(channel: string, listener: Listener, signal: AbortSignal): Promise<void> {
    await this.#parts.notices.listen(channel, listener, AbortSignal.any([signal, this.#stop.signal]));
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    this.#semaphore.close();
    this.#retire(this.#pool, GRACE_MS);
    await Promise.all(this.#retiring);
    await this.#parts.closed();
  }

  #sqlOf(taker: Taker): Sql {
    const one = (piece: TemplateStringsArray, values: readonly SqlValue[]) =>
      this.#turn(taker, async (pool) => {
        try {
          return await pool.answer(() => pool.driver.run(piece, values));
        } catch (error) {
          throw this.#failed(pool, error);
        }
      });
    return sqlOver((piece, values) => this.#meter.measure(piece, values, one));
  }

  async #transaction<T>(taker: Taker, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const meter = this.#meter.inTransaction();
    return await this.#turn(taker, (pool) =>
      inTransaction(pool.driver, work, {
        meter,
        notices: this.#parts.notices,
        answered: (statement) => pool.answer(statement),
        failed: (error) => this.#failed(pool, error),
      }));
  }

  /** Neither the server's limit nor the pool's watch for silence sees its statements. */
  #long<T>(
    driver: Driver,
    work: (tx: Transaction) => Promise<T>,
    failed: (error: unknown) => unknown,
  ): Promise<T> {
    const unlimited = async (tx: Transaction) => {
      await tx`set local statement_timeout = 0`;
      return await work(tx);
    };
    const { notices } = this.#parts;
    const meter = this.#meter.inTransaction();
    return inTransaction(driver, unlimited, { meter, notices, answered: (statement) => statement(), failed });
  }

  async #turn<T>(taker: Taker, work: (pool: Pool) => Promise<T>): Promise<T> {
    await this.#semaphore.take(taker);
    const pool = this.#pool;
    try {
      return await pool.run(() => work(pool));
    } finally {
      this.#semaphore.release(taker);
    }
  }

  /** What an error of the driver means; the pool in which a connection broke is replaced. */
  #failed(pool: Pool, error: unknown): unknown {
    if (breaksConnection(error)) this.#replace(pool, GRACE_MS);
    return translated(error);
  }

  /**
   * Starts over with fresh connections: postgres.js 3.4.9 remembers the statement on which a connection broke, gives it
   * the server's next refusal, and meanwhile tries again and again on behalf of a statement that hears nothing.
   */
  #replace(broken: Pool, graceMs: number): void {
    if (broken !== this.#pool || this.#stop.signal.aborted) return;
    this.#pool = this.#freshPool();
    this.#retire(broken, graceMs);
  }

  #freshPool(): Pool {
    const { connect, poolSize, clock } = this.#parts;
    const pool: Pool = new Pool({ driver: connect(poolSize), clock, silent: () => this.#silent(pool) });
    return pool;
  }

  /** Of several statements that hear nothing the first one's word is enough. */
  #silent(pool: Pool): void {
    if (pool !== this.#pool) return;
    this.#replace(pool, 0);
    this.#parts.silent();
  }

  #retire(pool: Pool, graceMs: number): void {
    const ended = pool.retire(graceMs).finally(() => this.#retiring.delete(ended));
    this.#retiring.add(ended);
  }
}
