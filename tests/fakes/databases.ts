import { type Database, type DatabaseMetrics, openDatabase, type Transaction } from "$lib/database.ts";
import { type Clock, systemClock } from "$lib/clock.ts";
import type { Tracing } from "$lib/tracing.ts";
import { migrate } from "../../broker/store/migrate.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../postgres/postgres_server.ts";
import { silentLog } from "./silent_log.ts";
import { copyTemplate, type Template } from "./embedded_template.ts";
import { takeTurn } from "./embedded_turns.ts";

/** What opens a test's database again: for a second door, or for a program of its own. */
export interface TestDatabaseAddress {
  /** A PostgreSQL URL; `undefined` for the embedded database. */
  readonly url: string | undefined;
  /** The server's own, where `url` is a pooler's. */
  readonly listenUrl?: string;
  readonly dataDir: string;
}

/** A database of a test's own, migrated and empty, gone when the test lets it go. */
export interface TestDatabase extends AsyncDisposable {
  readonly database: Database;
  readonly address: TestDatabaseAddress;
}

/** How a test wants its database. */
export interface TestDatabaseOptions {
  /** False: no tables; the embedded database still starts within a second. */
  readonly isMigrated?: boolean;
  /** The machine's own when left out, by which nothing is given up for two minutes. */
  readonly clock?: Clock;
  readonly metrics?: DatabaseMetrics;
  readonly tracing?: Pick<Tracing, "current">;
  /** What unqualified names mean; `public` when left out. */
  readonly schema?: string;
  /** PostgreSQL only, where it is 10. */
  readonly poolSize?: number;
}

/**
 * An embedded database of a test's own: a copy of one that was migrated once. Takes about a second, and waits while two
 * others are open, in whatever process; so nobody may hold one and wait for another.
 */
export async function embeddedDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const turn = await takeTurn();
  const dataDir = await Deno.makeTempDir({ prefix: "brokkr-embedded-" });
  const release = async () => {
    await Deno.remove(dataDir, { recursive: true });
    turn.close();
  };
  try {
    await copyTemplate(options.isMigrated === false ? EMPTY : MIGRATED, dataDir);
    const database = await open({ url: undefined, dataDir }, options);
    return testDatabase(database, { url: undefined, dataDir }, release);
  } catch (error) {
    await release();
    throw error;
  }
}

/** A migrated, empty data folder for a program of its own, removed when it is let go; takes a turn as others do. */
export async function migratedDataDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const turn = await takeTurn();
  const path = await Deno.makeTempDir({ prefix: "brokkr-embedded-" });
  await copyTemplate(MIGRATED, path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true });
      turn.close();
    },
  };
}

/** A migrated, empty database on a PostgreSQL server: one of its own, which takes 1.5 s, or the one it is given. */
export async function postgresDatabase(
  { server, ...options }: TestDatabaseOptions & { readonly server?: PostgresServer } = {},
): Promise<TestDatabase> {
  const there = server ?? await startHere();
  const { url } = await there.createDatabase();
  const address = { url, dataDir: "unused" };
  const database = await open(address, options);
  if (options.isMigrated ?? true) await migrate(database, { schema: "public" });
  return testDatabase(database, address, async () => {
    if (server === undefined) await there[Symbol.asyncDispose]();
  });
}

/** Opens a door to a test's database, with no log. */
export function open(address: TestDatabaseAddress, options: TestDatabaseOptions = {}): Promise<Database> {
  const { clock = patientClock(), metrics, tracing, schema = "public", poolSize = 10 } = options;
  return openDatabase({
    ...address,
    clock,
    log: silentLog(),
    ...{ metrics, tracing },
    schema,
    poolSize,
  });
}

/** Runs `work` in a transaction that leaves nothing behind: the cheapest database of one's own. */
export async function rolledBack(database: Database, work: (tx: Transaction) => Promise<void>): Promise<void> {
  const rollback = new Error("rolled back");
  try {
    await database.transaction(async (tx) => {
      await work(tx);
      throw rollback;
    });
  } catch (error) {
    if (error !== rollback) throw error;
  }
}

/** How many times longer than programs do tests wait before something is given up: who waits 5 s for a connection. */
const PATIENCE = 24;

/** The machine's own time, by which a busy machine has longer for what it must be done with in time. */
function patientClock(): Clock {
  const clock = systemClock();
  return { ...clock, after: (ms, work) => clock.after(PATIENCE * ms, work) };
}

const EMPTY: Template = { name: "empty", make: (dataDir) => made(dataDir, () => Promise.resolve()) };
const MIGRATED: Template = {
  name: "migrated",
  make: (dataDir) => made(dataDir, (database) => migrate(database, { schema: "public" })),
};

async function made(dataDir: string, fill: (database: Database) => Promise<unknown>): Promise<void> {
  const database = await open({ url: undefined, dataDir });
  try {
    await fill(database);
  } finally {
    await database.close();
  }
}

async function startHere(): Promise<PostgresServer> {
  const binaries = await findPostgres();
  if (binaries === undefined) throw new Error("Cannot start PostgreSQL: it is not on this machine; see testWith()");
  return await startPostgres(binaries, { durable: false });
}

function testDatabase(
  database: Database,
  address: TestDatabaseAddress,
  release: () => Promise<void>,
): TestDatabase {
  return {
    database,
    address,
    async [Symbol.asyncDispose]() {
      await database.close();
      await release();
    },
  };
}
