import type { Clock } from "$lib/clock.ts";
import type { Database, Sql } from "$lib/database.ts";
import { Failure, isFailure, messageOf } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import { type Log, withoutSecrets } from "$lib/log.ts";
import { backoffMs, jittered } from "$lib/retry.ts";
import type { ObserveDelivery } from "./domain/delivery_times.ts";
import { ensureAdmin } from "./first_admin.ts";
import type { BrokerSettings } from "./settings.ts";
import type { KeysChanged } from "./store/former_keys.ts";
import { migrate } from "./store/migrate.ts";
import type { Store } from "./store/mod.ts";
import { openStore } from "./store/open.ts";

/** What a {@linkcode DatabaseStartup} needs. */
export interface DatabaseStartupParts {
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly openDatabase: () => Promise<Database>;
  /** Hears how long deliveries take. */
  readonly onDelivery: ObserveDelivery;
  /** Hears of keys that are no longer what they were. */
  readonly onKeysChanged: KeysChanged;
  /** Hears for how long each submission waited until it was settled. */
  readonly onSettled: (seconds: number) => void;
}

/** A database that is open, of this program's shape, with an admin; and the store in it. */
export interface OpenStore {
  readonly database: Database;
  readonly store: Store;
}

/** The embedded database has one connection: everybody else waits while agents are settled. */
const EMBEDDED_AGENTS_AT_ONCE = 20;
const BACKOFF = { minMs: 500, maxMs: 10_000 };

/** Opens and migrates the database that everything else needs: once, however long it is away at first. */
export class DatabaseStartup {
  readonly #parts: DatabaseStartupParts;
  #database: Database | undefined;
  #opened: OpenStore | undefined;
  #missing = "the database is being opened";

  constructor(parts: DatabaseStartupParts) {
    this.#parts = parts;
  }

  /** @throws {Failure} `unavailable`, with the reason, until it is open. */
  get opened(): OpenStore {
    if (this.#opened === undefined) throw new Failure("unavailable", `Cannot answer yet: ${this.#missing}`);
    return this.#opened;
  }

  /** Why it is not open; undefined once it is. */
  get missing(): string | undefined {
    return this.#opened === undefined ? this.#missing : undefined;
  }

  /**
   * Opens and migrates the database and sees to its admin, trying again with back-off.
   *
   * @throws {Failure} `invalid_settings` when trying again is no use; the signal's reason when it aborts.
   */
  async run(signal: AbortSignal): Promise<OpenStore> {
    const { clock, log } = this.#parts;
    for (let failures = 1;; failures += 1) {
      signal.throwIfAborted();
      try {
        this.#opened = await this.#try();
        return this.#opened;
      } catch (error) {
        if (isFailure(error, "invalid_settings")) throw error;
        this.#missing = withoutSecrets(messageOf(error));
        log.warn("database is not ready", { failures, error });
      }
      await clock.sleep(jittered(backoffMs(failures, BACKOFF), random), signal);
    }
  }

  /** Closes the database, if it is open. */
  async close(): Promise<void> {
    this.#missing = "the broker is stopping";
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.store.notices.flush().catch(() => {}); // of a database that is away nobody hears anything
    await this.#database?.close();
  }

  async #try(): Promise<OpenStore> {
    const { settings, log, openDatabase, onDelivery, onKeysChanged, onSettled } = this.#parts;
    this.#database ??= await openDatabase();
    const steps = await migrate(this.#database, { schema: settings["database.schema"], log });
    if (steps > 0) log.info("database migrated", { steps });
    await mustBeSchema(this.#database.sql, settings["database.schema"]);
    const store = openStore(this.#database, {
      ...{ onDelivery, onKeysChanged, onSettled },
      agentsAtOnce: settings["database.url"] === undefined ? EMBEDDED_AGENTS_AT_ONCE : undefined,
    });
    await ensureAdmin(store, { settings, log });
    return { database: this.#database, store };
  }
}

/**
 * Behind a pooler the schema is the role's own affair.
 *
 * @throws {Failure} `invalid_settings` when statements without a schema mean another one.
 */
async function mustBeSchema(sql: Sql, schema: string): Promise<void> {
  const [row] = await sql<{ current: string | null }>`select current_schema()::text as current`;
  if (row?.current === schema) return;
  throw new Failure(
    "invalid_settings",
    `Cannot use the database: database.schema is "${schema}", its role has ${
      row?.current ? `"${row.current}"` : "none"
    }; alter role … set search_path mends that`,
  );
}
