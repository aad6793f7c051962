import { type Database, type DatabaseMetrics, openDatabase, type Transaction } from "$lib/database.ts";
import { type Clock, systemClock } from "$lib/clock.ts";
import { migrate } from "../../broker/store/migrate.ts";
import { silentLog } from "./silent_log.ts";
import { copyTemplate, type Template } from "./embedded_template.ts";
import { takeTurn } from "./embedded_turns.ts";

/** What opens a test's database again: for a second door, or for a program of its own. */
export interface TestDatabaseAddress {
  /** A PostgreSQL URL; `undefined` for the embedded database. */
  readonly url: string | undefined;
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
  /** The machine's own when left out. */
  readonly clock?: Clock;
  readonly metrics?: DatabaseMetrics;
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

/** Opens a door to a test's database, with no log. */
export function open(address: TestDatabaseAddress, options: TestDatabaseOptions = {}): Promise<Database> {
  const { clock = systemClock(), metrics, poolSize } = options;
  return openDatabase({
    ...address,
    clock,
    log: silentLog(),
    metrics,
    ...(poolSize === undefined ? {} : { poolSize }),
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
