import { type Clock, deadline, unlessAborted } from "$lib/clock.ts";
import type { Database, Sql } from "$lib/database.ts";
import { Failure, isFailure, messageOf } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import { type Log, withoutSecrets } from "$lib/log.ts";
import { backoffMs, jittered } from "$lib/retry.ts";
import type { Readiness } from "$lib/serve.ts";
import type { ObserveDelivery } from "./domain/delivery_times.ts";
import { ensureAdmin } from "./first_admin.ts";
import type { BrokerSettings } from "./settings.ts";
import type { KeysChanged } from "./store/former_keys.ts";
import { isSchemaUsable, migrate } from "./store/migrate.ts";
import type { Store } from "./store/mod.ts";
import type { StoreTracing } from "./store/handle.ts";
import { openStore } from "./store/open.ts";

/** What a {@linkcode Lifecycle} needs. */
export interface LifecycleParts {
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Called again after it failed. */
  readonly openDatabase: () => Promise<Database>;
  /** Begins what a broker does besides answering; it ends when the signal aborts. */
  readonly startWork: (opened: OpenStore, signal: AbortSignal) => BackgroundWork;
  /** Hears how long deliveries take. */
  readonly onDelivery: ObserveDelivery;
  /** Hears of keys that are no longer what they were. */
  readonly onKeysChanged: KeysChanged;
  readonly tracing: StoreTracing;
  /** Hears for how long each submission waited until it was settled. */
  readonly onSettled: (seconds: number) => void;
}

/** A database that is open, of this program's shape, with an admin; and the store in it. */
export interface OpenStore {
  readonly database: Database;
  readonly store: Store;
}

/** What a broker does besides answering. */
export interface BackgroundWork {
  /** Resolves once the gauges show what is in the store; at once where nobody reads them. */
  readonly firstRefresh: Promise<void>;
  /** Resolves when all of it has ended. */
  readonly ended: Promise<void>;
}

/**
 * Where a broker is in its life. It goes on from each state to the next, opens and migrates anew while that fails, and
 * can be stopped in any.
 */
type State =
  | { readonly name: "opening" | "migrating"; readonly missing: string }
  | { readonly name: "starting" | "ready"; readonly opened: OpenStore }
  | { readonly name: "stopping" };

/** The embedded database has one connection: everybody else waits while agents are settled. */
const EMBEDDED_AGENTS_AT_ONCE = 20;
const BACKOFF = { minMs: 500, maxMs: 10_000 };
/** Who probes waits for a second, mostly. */
const ANSWER_MAX_MS = 750;

/** The life of a broker: it opens and migrates its database, works, and stops. */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #stopping = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  #state: State = { name: "opening", missing: "the database is being opened" };
  #database: Database | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    for (const { promise } of [this.#ready, this.#failed]) promise.catch(() => {}); // nobody need look
  }

  /** Resolves when it was ready for the first time; rejects when it never will be, with `invalid_settings`. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Rejects when it can't go on: it never will be ready, or its work has ended before it was stopped. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** @throws {Failure} `unavailable`, with the reason, until the database is open, and once the broker stops. */
  get store(): Store {
    if ("opened" in this.#state) return this.#state.opened.store;
    const details = this.#state.name === "opening" ? { details: { away: "database" } } : {};
    throw new Failure("unavailable", `Cannot answer yet: ${missingIn(this.#state)}`, details);
  }

  start(): void {
    const { signal } = this.#stopping;
    this.#running = this.#run(signal).catch((error) => {
      this.#ready.reject(error);
      if (!signal.aborted) this.#failed.reject(error);
    });
  }

  /** Ends the work and closes the database. */
  async stop(): Promise<void> {
    const opened = "opened" in this.#state ? this.#state.opened : undefined;
    this.#state = { name: "stopping" };
    this.#stopping.abort(new Failure("unavailable", "Cannot go on: the broker is stopping"));
    await this.#running;
    await opened?.store.notices.flush().catch(() => {}); // of a database that is away nobody hears anything
    await this.#database?.close();
  }

  /** @throws {Failure} `unavailable` when the database can't be asked. */
  async readiness(): Promise<Readiness> {
    const missing = missingIn(this.#state) ?? await this.#missingInSchema();
    return missing === undefined ? { isReady: true, text: "Ready" } : { isReady: false, text: `Not ready: ${missing}` };
  }

  async #missingInSchema(): Promise<string | undefined> {
    // not of the share of the gauges: while a read of them has no answer, nobody could say why
    using limit = deadline(this.#parts.clock, ANSWER_MAX_MS);
    try {
      const isUsable = this.#database !== undefined &&
        await unlessAborted(isSchemaUsable(this.#database.sql), limit.signal);
      return isUsable ? undefined : "the database has another schema than this program";
    } catch (error) {
      if (error !== limit.signal.reason) throw error;
      return `the database did not answer within ${ANSWER_MAX_MS} ms`;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const opened = await this.#open(signal);
    this.#enter({ name: "starting", opened });
    const { firstRefresh, ended } = this.#parts.startWork(opened, signal);
    firstRefresh.then(() => {
      this.#enter({ name: "ready", opened });
      this.#ready.resolve();
    });
    await ended;
    if (!signal.aborted) throw new Error("the broker's work has ended, and nobody stopped it");
  }

  /** A broker that stops stays so, whatever comes to its end meanwhile. */
  #enter(state: State): void {
    if (this.#state.name !== "stopping") this.#state = state;
  }

  /**
   * Opens and migrates the database and sees to its admin, trying again with back-off.
   *
   * @throws {Failure} `invalid_settings` when trying again is no use; the signal's reason when it aborts.
   */
  async #open(signal: AbortSignal): Promise<OpenStore> {
    const { clock, log } = this.#parts;
    for (let failures = 1;; failures += 1) {
      signal.throwIfAborted();
      try {
        this.#database ??= await this.#parts.openDatabase();
        this.#enter({ name: "migrating", missing: "the database is being migrated" });
        return await this.#migrated(this.#database);
      } catch (error) {
        if (isFailure(error, "invalid_settings")) throw error;
        this.#enter({ name: "opening", missing: withoutSecrets(messageOf(error)) });
        log.warn("database is not ready", { failures, error });
      }
      await clock.sleep(jittered(backoffMs(failures, BACKOFF), random), signal);
    }
  }

  async #migrated(database: Database): Promise<OpenStore> {
    const { settings, log, onDelivery, onKeysChanged, onSettled, tracing } = this.#parts;
    const steps = await migrate(database, { schema: settings["database.schema"], log });
    if (steps > 0) log.info("database migrated", { steps });
    await mustBeSchema(database.sql, settings["database.schema"]);
    const store = openStore(database, {
      ...{ onDelivery, onKeysChanged, onSettled, tracing },
      agentsPerTrace: settings["tracing.agents_per_trace"],
      agentsAtOnce: settings["database.url"] === undefined ? EMBEDDED_AGENTS_AT_ONCE : undefined,
    });
    await ensureAdmin(store, { settings, log });
    return { database, store };
  }
}

/** What a broker in this state lacks to be ready, as far as it knows by itself. */
function missingIn(state: State): string | undefined {
  if ("missing" in state) return state.missing;
  if (state.name === "starting") return "the gauges have not been read yet";
  return state.name === "stopping" ? "the broker is stopping" : undefined;
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
