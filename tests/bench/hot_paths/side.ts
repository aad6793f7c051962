import type { DatabaseAddress, PostgresServer } from "../../postgres/postgres_server.ts";
import { adminKey } from "../../system/keys.ts";
import { type Samples, scrape } from "../../system/metrics_page.ts";
import { type Program, type Settings, startBroker, type StartOptions, untilReady } from "../../system/programs.ts";
import { Connection } from "./connection.ts";
import { makeFleet } from "./fleet.ts";
import { load, type Measured } from "./load.ts";
import { type HotPath, hotPaths, STACKS } from "./paths.ts";

/** Milliseconds between two changes of a snapshot: fewer than pass between two polls of one agent. */
const CHANGE_EVERY_MS = 5;

/** A broker on a database of its own, with a fleet, and connections to it. */
export interface Side extends AsyncDisposable {
  readonly broker: Program;
  readonly connections: readonly Connection[];
  readonly paths: readonly HotPath[];
  /** The broker's page once its database was filled. */
  readonly pageOfFull: Samples;
  /** Asks a path for so many milliseconds. */
  measure(path: HotPath, ms: number): Promise<Measured>;
}

/** What is particular about a side. */
export interface SideOptions extends StartOptions {
  readonly clients: number;
  readonly settings?: Settings;
  /** Puts more into its database. */
  readonly fill?: (server: PostgresServer, database: DatabaseAddress) => Promise<void>;
}

/** Starts a broker, and makes its fleet through the API. */
export async function openSide(
  server: PostgresServer,
  { clients, fill, settings, ...options }: SideOptions,
): Promise<Side> {
  await using parts = new AsyncDisposableStack();
  const database = await server.createDatabase();
  const { pak, pakHash } = await adminKey();
  const broker = parts.use(
    startBroker({ DATABASE__URL: database.url, BROKER__PAK_HASH: pakHash, ...settings }, options),
  );
  await untilReady(broker);
  const fleet = await makeFleet(broker.url, { adminPak: pak, agentCount: 3 * clients, stackCount: STACKS });
  await fill?.(server, database);
  const connections: Connection[] = [];
  for (let client = 0; client < clients; client += 1) connections.push(parts.use(await Connection.open(broker.url)));
  const all = parts.move();
  return {
    ...{ broker, connections, pageOfFull: await scrape(broker.url) },
    paths: await hotPaths(broker.url, fleet),
    async measure(path, ms) {
      if (path.changing === undefined) return await load(connections, path, ms);
      const stop = new AbortController();
      const ids = path.changing.map(({ id }) => id);
      const changing = server.asSuperuser(async (sql) => {
        while (!stop.signal.aborted) {
          await sql`
            with held as (select id from agents where id = any(${ids}::uuid[]) order by id for no key update)
            update agents set revision = revision + 1 from held where agents.id = held.id`; // in everybody's order
          await new Promise((resolve) => setTimeout(resolve, CHANGE_EVERY_MS));
        }
      }, database.database);
      const measured = await load(connections, path, ms);
      stop.abort();
      await changing;
      return measured;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
