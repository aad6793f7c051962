import postgres from "postgres";
import type { Child } from "../run/child.ts";
import { GuardedProcesses } from "../run/guarded_processes.ts";
import { GivenUp, pause, waitFor } from "../run/wait.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { copyOf, initialize, serverArguments, type ServerSettings } from "./initialize.ts";

export { findPostgres, locatePostgres } from "./binaries.ts";
export type { PostgresBinaries } from "./binaries.ts";

const BROKER_ROLE = "brokkr";
const SUPERUSER = "postgres";
const PORT = 5432;

/** How the server is to behave. */
export interface PostgresOptions {
  /** Waits for the disk at a commit, as a real one: true when left out. False is faster, and loses data when killed. */
  readonly durable?: boolean;
  /** A port of loopback beside the socket; none when left out. */
  readonly tcpPort?: number;
  /** Follows that server, whose data it begins with, until it is promoted. */
  readonly standbyOf?: PostgresServer;
}

/** A database, in every form that clients want. */
export interface DatabaseAddress {
  /** `postgresql://brokkr@localhost/<database>?host=<socketDir>`: libpq's form, which `lib/database.ts` reads too. */
  readonly url: string;
  /** What postgres.js takes as `host`. */
  readonly socketDir: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** A PostgreSQL server in a temporary folder, on a unix socket only. Its first database is `brokkr`, its role too. */
export interface PostgresServer extends DatabaseAddress, AsyncDisposable {
  /** Another empty database that the broker's role owns. */
  createDatabase(): Promise<DatabaseAddress>;
  /** Runs `work` as the superuser, in `postgres` when no database is named; `pg_stat_statements` is there. */
  asSuperuser<T>(work: (sql: postgres.Sql) => Promise<T>, database?: string): Promise<T>;
  /** Shuts it down: clients are cut off, everything is on the disk. Data stays for {@linkcode start}. */
  stop(): Promise<void>;
  /** Ends it as a crash would: nothing is finished, the next start recovers from the log. */
  stopHard(): Promise<void>;
  /** Starts it again on the same data and socket, told more by its command line. Resolves when it takes connections. */
  start(more?: ServerSettings): Promise<void>;
}

/**
 * Makes a database cluster and starts its server; resolves when it takes connections. When the caller is root it runs
 * as `postgres` or `nobody`, because PostgreSQL refuses root.
 *
 * @throws When `initdb` fails or the server is not ready in 30 s, with the end of its log.
 */
export async function startPostgres(
  binaries: PostgresBinaries,
  { durable = true, tcpPort, standbyOf }: PostgresOptions = {},
): Promise<PostgresServer> {
  const processes = await GuardedProcesses.open("postgres");
  try {
    const { folder } = processes;
    const user = standbyOf === undefined
      ? await initialize(binaries, folder, SUPERUSER)
      : await copyOf(binaries, folder, { ...standbyOf, user: SUPERUSER });
    const launch = (more: ServerSettings = {}) => {
      const args = serverArguments({
        folder,
        port: tcpPort ?? PORT,
        isOnLoopback: tcpPort !== undefined,
        durable,
        more,
      });
      return processes.start({ name: "postgres", program: binaries.postgres, args, user, env: { LC_ALL: "C" } });
    };
    return await serverIn(processes, launch, { port: tcpPort ?? PORT, isPrepared: standbyOf !== undefined });
  } catch (error) {
    await processes.close();
    throw error;
  }
}

async function serverIn(
  processes: GuardedProcesses,
  launch: (more?: ServerSettings) => Promise<Child>,
  { port, isPrepared }: { readonly port: number; readonly isPrepared: boolean },
): Promise<PostgresServer> {
  const place = { folder: processes.folder, port };
  const asSuperuser: PostgresServer["asSuperuser"] = (work, database) => withSuperuser(place, work, database);
  let running = await launchReady(place, launch);
  let databases = 0;
  if (!isPrepared) await asSuperuser(prepare);
  const close = async () => {
    await running.stop("SIGINT");
    await processes.close();
  };
  return {
    ...addressOf(place, BROKER_ROLE),
    asSuperuser,
    createDatabase: async () => {
      const name = `${BROKER_ROLE}_${++databases}`;
      await asSuperuser((sql) => sql.unsafe(`create database ${name} owner ${BROKER_ROLE}`));
      return addressOf(place, name);
    },
    stop: () => running.stop("SIGINT"),
    stopHard: () => running.stop("SIGQUIT"),
    start: async (more) => {
      if (running.hasEnded()) running = await launchReady(place, () => launch(more));
    },
    [Symbol.asyncDispose]: close,
  };
}

async function prepare(sql: postgres.Sql): Promise<void> {
  await sql.unsafe("create extension pg_stat_statements");
  await sql.unsafe(`create role ${BROKER_ROLE} login`);
  await sql.unsafe(`create database ${BROKER_ROLE} owner ${BROKER_ROLE}`);
}

/** Where a server is reached. */
interface Place {
  readonly folder: string;
  readonly port: number;
}

async function launchReady(place: Place, launch: () => Promise<Child>): Promise<Child> {
  let child = await launch();
  await waitFor(async () => {
    if (child.hasEnded()) {
      const log = await child.logTail();
      // After a crash the old server's processes hold its shared memory a moment longer.
      if (!/shared memory block .* is still in use|lock file .* already exists/.test(log.slice(-600))) {
        throw new GivenUp(`it has ended with ${await child.ended}:\n${log}`);
      }
      await pause(100);
      child = await launch();
    }
    return await withSuperuser(place, (sql) => sql`select 1`);
  }, { what: "start PostgreSQL", intervalMs: 25, detail: () => child.logTail() });
  return child;
}

async function withSuperuser<T>(
  { folder, port }: Place,
  work: (sql: postgres.Sql) => Promise<T>,
  database = SUPERUSER,
): Promise<T> {
  const sql = postgres({ host: folder, port, user: SUPERUSER, database, max: 1, connect_timeout: 5 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function addressOf({ folder: socketDir, port }: Place, database: string): DatabaseAddress {
  const host = encodeURIComponent(socketDir);
  const url = `postgresql://${BROKER_ROLE}@localhost:${port}/${database}?host=${host}`;
  return { url, socketDir, port, user: BROKER_ROLE, database };
}
