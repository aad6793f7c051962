import type { Socket } from "node:net";
import type { Counter, Gauge, Histogram } from "@opentelemetry/api";
import postgres from "postgres";
import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import { bound } from "$lib/metrics.ts";
import type { Tracing } from "$lib/tracing.ts";
import { type Address, addressOf } from "./database/address.ts";
import { unlessBroken } from "./database/broken.ts";
import { Door } from "./database/door.ts";
import {
  type Connect,
  type Driver,
  type DriverOptions,
  quotedName,
  quotedText,
  type Statements,
} from "./database/driver.ts";
import { startEmbedded } from "./database/embedded.ts";
import { localNotices, serverNotices } from "./database/notices.ts";
import { Primary, type ServerAddress } from "./database/primary.ts";
import { serverAttributes } from "./database/server_attributes.ts";
import { countedSockets, type Destination } from "./database/sockets.ts";
import { encoded, type Encoder, wireTypes } from "./database/values.ts";

/** One value inside an array that a statement takes. */
export type SqlItem = string | number | bigint | boolean | null;

/**
 * What a statement may take as a value.
 *
 * The server infers each parameter's type from its place, so `id = any(${ids})` needs no cast. A cast is needed only
 * where the place says nothing: `unnest(${ids}::uuid[])`, `${text}::text is null`, `select ${count}::bigint`.
 * Where the place is `json` or `jsonb`, wrap the value: `sql.json(value)`; a string there would be quoted twice.
 */
export type SqlValue = SqlItem | Date | readonly SqlItem[] | SqlFragment | SqlJson;

/** A piece of SQL, made by `sql.fragment`, to be put into a statement. */
export interface SqlFragment {
  readonly fragment: true;
  readonly piece: TemplateStringsArray;
  readonly values: readonly SqlValue[];
}

/** A value sent as `jsonb`, made by `sql.json`. */
export interface SqlJson {
  readonly json: unknown;
}

/**
 * Runs one statement: a tagged template whose values are sent as parameters; the result is its rows.
 * In rows `bigint` and `numeric` are numbers, `timestamptz` a Date, `json` and `jsonb` parsed, arrays arrays, NULL
 * null.
 *
 * @throws {Failure} `unavailable` when the database cannot be reached, no connection is free within 5 s or the
 * statement takes longer than 30 s; `unique_violation`, `foreign_key_violation`, `check_violation` (with
 * `details.constraint`), `not_null_violation` (with `details.column`); `invalid_parameters` when a value does not fit
 * its type.
 */
export interface Sql {
  <Row extends object = Record<never, never>>(
    statement: TemplateStringsArray,
    ...values: readonly SqlValue[]
  ): Promise<readonly Row[]>;
  /** A piece of SQL for use inside another statement. */
  fragment(piece: TemplateStringsArray, ...values: readonly SqlValue[]): SqlFragment;
  /** A value for a `jsonb` parameter; never turn it into text before. */
  json(value: unknown): SqlJson;
}

/** A connection that is inside a transaction. Only it may be used until the transaction ends, and never after. */
export interface Transaction extends Sql {
  /** Sends `payload` (less than 8,000 bytes) to everyone who listens on `channel`, when the transaction commits. */
  notify(channel: string, payload: string): Promise<void>;
}

/** What to hear on a channel. */
export interface Listener {
  /** Takes one notice. */
  onNotice(payload: string): void;
  /** Hears whether the listening connection is up: notices may be missed while it is down. */
  onState(isUp: boolean): void;
  /**
   * Hears that every notice which was sent before a time has arrived, by the clock's `monotonic`: each half second, or
   * once, of a database that can lose none.
   */
  onEcho?(sentMs: number): void;
}

/**
 * What shares the pool: `hot` is what agents wait for, `bulk` what may take its time, `gauges` what says how the
 * program fares. Each has connections of its own, so that none keeps another waiting.
 */
export const SHARES = ["hot", "bulk", "gauges"] as const;
/** One of {@linkcode SHARES}. */
export type Share = (typeof SHARES)[number];

/** The database, with as many connections as there are for this kind of work. */
export interface SharedDatabase {
  /** One statement, in a transaction of its own. Never for use inside `transaction`: it would wait for a connection. */
  readonly sql: Sql;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** The database door: PostgreSQL, or the embedded one. Itself it uses the whole pool. */
export interface Database extends SharedDatabase {
  /** The same database for one share of the pool; where that is too small to be shared it is everybody's. */
  share(share: Share): SharedDatabase;
  /**
   * As `transaction`, for what takes as long as it takes, such as a migration: no limit ends its statements, and it
   * keeps no other from a connection, for it has one of its own, but in the embedded database, which has only one.
   */
  longTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Sends each payload (less than 8,000 bytes) to everyone who listens on `channel`, of no transaction, with a
   * connection of the share `hot`: agents wait for what it tells.
   */
  notify(channel: string, payloads: readonly string[]): Promise<void>;
  /** Hears notices on `channel` until the signal aborts, then resolves; reconnects by itself. */
  listen(channel: string, listener: Listener, signal: AbortSignal): Promise<void>;
  /** Finishes what runs and closes every connection. */
  close(): Promise<void>;
}

/** The statements that are counted: by their main verb, so that `with … insert` is an insert. */
export const OPERATIONS = ["select", "insert", "update", "delete"] as const;
/** One of {@linkcode OPERATIONS}. */
export type Operation = (typeof OPERATIONS)[number];

/**
 * What is told of connections: `open` are sockets made and not yet closed, the one that listens for notices too; `busy`
 * are statements and transactions in flight at the door, of which there are at most `limit` at once.
 */
export const CONNECTION_STATES = ["open", "busy", "limit"] as const;
/** What is told of a share of the pool; as of all connections. */
export const SHARE_STATES = ["busy", "limit"] as const;
/** What a transaction does besides its statements. */
export const TRANSACTION_STEPS = ["begin", "commit"] as const;

/**
 * What the door records, declared by the program: every attempt at a statement of the four operations, the failed ones
 * and those that found no connection too, with the time its caller waited. Attempts less failures are the server's
 * calls. A transaction's wait for a connection is its first statement's; one that found none has attempted no
 * statement.
 */
export interface DatabaseMetrics {
  readonly queries: Counter<{ operation: Operation }>;
  readonly duration: Histogram<{ operation: Operation }>;
  readonly errors: Counter<{ operation: Operation }>;
  readonly connections: Gauge<{ state: (typeof CONNECTION_STATES)[number] }>;
  readonly pool: Gauge<{ share: Share; state: (typeof SHARE_STATES)[number] }>;
  /** How long the server took to begin, once there was a connection, and to commit. */
  readonly transactions: Histogram<{ operation: (typeof TRANSACTION_STEPS)[number] }>;
}

/** Which database, and the parts its door needs. */
export interface DatabaseOptions {
  /**
   * A PostgreSQL URL (`?host=/dir` names a unix socket's folder); of several hosts the primary is meant, whichever it
   * is by then. A secret. Left out: the embedded database.
   */
  readonly url?: string | undefined;
  /** Where the embedded database lives; made when it is not there. */
  readonly dataDir: string;
  /**
   * A URL of the server itself, where `url` is that of a pooler that gives each transaction another connection: for
   * notices and migrations. The pooler's role has to have the schema by its own `search_path`. A secret.
   */
  readonly listenUrl?: string | undefined;
  /** The schema that unqualified names mean, `public` when left out; a migration makes it. */
  readonly schema?: string;
  /** How many connections at most, 10 when left out; the embedded database has one. */
  readonly poolSize?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Nothing is recorded when left out. */
  readonly metrics?: DatabaseMetrics | undefined;
  /** Whose sampled work a statement is; nothing is traced when left out. */
  readonly tracing?: Pick<Tracing, "current"> | undefined;
}

/**
 * Opens a database. PostgreSQL is reached with the first statement, so one that is down does not stop a program's
 * start; the embedded database is started here, which takes seconds the first time.
 *
 * @throws {Failure} `invalid_settings` when `url` is no PostgreSQL URL or another process holds `dataDir`;
 * `unavailable` when the embedded database does not start.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return options.url === undefined ? await openEmbedded(options) : openServer(options.url, options);
}

async function openEmbedded(options: DatabaseOptions): Promise<Database> {
  const { dataDir, schema = "public", clock, log, metrics, tracing } = options;
  const embedded = await startEmbedded({ dataDir, schema, log, clock });
  const address = { path: embedded.socketPath, user: "postgres", database: "postgres" };
  const socket = countedSockets(metrics && bound(metrics.connections, { state: "open" }));
  const connect = () => driverOf(postgres({ ...address, ...driverSettings({ size: 1 }, socket) }));
  return new Door({
    connect,
    poolSize: 1,
    notices: localNotices(),
    silent: () => embedded.restart(),
    closed: () => embedded.stop(),
    server: () => ({ "db.namespace": `${address.database}|${schema}` }),
    ...{ clock, metrics, tracing },
  });
}

function openServer(secretUrl: string, options: DatabaseOptions): Database {
  const { schema = "public", poolSize = 10, listenUrl, clock, log, metrics, tracing } = options;
  const counted = countedSockets(metrics && bound(metrics.connections, { state: "open" }));
  const connection = { ...SERVER_SETTINGS, search_path: quotedName(schema) };
  const direct = connector(listenUrl ?? secretUrl, { counted, clock, connection });
  const pooled = listenUrl === undefined ? direct : connector(secretUrl, { counted, clock });
  return new Door({
    connect: (size) => pooled.connect({ size }),
    connectBeside: () => direct.connect({ size: 1 }),
    poolSize,
    notices: serverNotices({ connect: direct.connect, clock, log }),
    silent: () => {},
    closed: () => Promise.resolve(),
    server: () => serverAttributes(pooled.address, { schema, primary: pooled.primary() }),
    ...{ clock, metrics, tracing },
  });
}

interface ConnectorParts {
  readonly counted: (to: Destination) => Socket;
  readonly clock: Clock;
  /** What each connection says of itself; left out for a pooler, which takes none of it. */
  readonly connection?: Readonly<Record<string, string | number>>;
}

/** The way to a server, or to the primary of several. */
interface Connector {
  readonly connect: Connect;
  readonly address: Address;
  readonly primary: () => ServerAddress | undefined;
}

function connector(secretUrl: string, { counted, clock, connection }: ConnectorParts): Connector {
  const whole = addressOf(secretUrl);
  const { url, hosts, server, ...address } = whole;
  const own = connection === undefined ? { prepare: false } : { connection };
  const before = connection === undefined ? POOLED_SETTINGS : undefined;
  const primary = hosts && new Primary(hosts, {
    connectTo: (host) => {
      const socket = () => counted(destinationOf(host));
      return driverOf(postgres(url, { ...THE_SERVER, ...driverSettings({ size: 1 }, socket), ...own }));
    },
    clock,
  });
  const find = primary !== undefined ? () => primary.find() : server && (() => server);
  const place = find === undefined ? address : THE_SERVER;
  const socket = find === undefined ? counted : async () => counted(destinationOf(await find()));
  return {
    connect: (of) => driverOf(postgres(url, { ...place, ...driverSettings(of, socket), ...own }), before),
    address: whole,
    primary: () => primary?.last,
  };
}

/** What the driver is told instead: it takes an IPv6 address apart, and one of several servers is another later. */
const THE_SERVER = { host: "server", port: 0 };

function destinationOf({ hostname, port }: ServerAddress): Destination {
  return { host: [hostname], port: [port] };
}

/** What each connection says of itself; the limits, in milliseconds, end what nobody waits for any more. */
const SERVER_SETTINGS = {
  application_name: "brokkr",
  DateStyle: "ISO",
  TimeZone: "UTC",
  standard_conforming_strings: "on",
  statement_timeout: 30_000,
  idle_in_transaction_session_timeout: 60_000,
};

/** The same where a pooler gives each transaction another connection: said in each, by one command. */
const POOLED_SETTINGS = Object.entries(SERVER_SETTINGS).filter(([name]) => name !== "application_name")
  .map(([name, value]) => `set local ${name} = ${quotedText(String(value))}`).join("; ");

/** No hidden statement (`fetch_types`), no notice printed, and no waiting that the door's own deadline does not see. */
function driverSettings(
  { size, onNotice, onClose }: DriverOptions,
  socket: (to: Destination) => Socket | Promise<Socket>,
) {
  return {
    ...{ max: size, socket },
    fetch_types: false,
    connect_timeout: 5,
    idle_timeout: 0,
    backoff: () => 0.1,
    types: wireTypes() as unknown as Record<string, postgres.PostgresType>,
    onnotice: () => {},
    ...(onNotice === undefined ? {} : { onnotify: onNotice }),
    ...(onClose === undefined ? {} : { onclose: onClose }),
  };
}

/** @param before What each transaction begins with; then each statement is one. */
function driverOf(sql: postgres.Sql, before?: string): Driver {
  const begin = <T>(work: (tx: Statements) => Promise<T>) =>
    unlessBroken<T>((inside) => sql.begin((tx) => inside(statementsOf(tx))) as Promise<T>, async (tx) => {
      if (before !== undefined) await tx.command(before);
      return await work(tx);
    });
  return {
    ...statementsOf(sql),
    ...(before === undefined ? {} : { run: (piece, values) => begin((tx) => tx.run(piece, values)) }),
    begin,
    end: () => sql.end({ timeout: 0 }),
  };
}

function statementsOf(sql: postgres.ISql): Statements {
  const encoder = sql as unknown as Encoder;
  return {
    async run(piece, values) {
      return await sql(piece, ...encoded(encoder, values) as never[]);
    },
    async command(text) {
      await sql.unsafe(text);
    },
  };
}
