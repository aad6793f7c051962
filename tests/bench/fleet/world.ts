import { z } from "zod";
import {
  type DatabaseAddress,
  findPostgres,
  type PostgresServer,
  startPostgres,
} from "../../postgres/postgres_server.ts";
import { stablePort } from "../../cluster/ports.ts";
import { ADDED_BY, PARTS } from "../../run/parts.ts";
import { type Api, apiClient } from "../../system/api.ts";
import { adminKey } from "../../system/keys.ts";
import { type Program, startBroker, untilReady } from "../../system/programs.ts";
import { type Crowd, makeCrowd } from "../crowd.ts";
import { type Fleet, startFleet } from "./fleet.ts";

/** How often an agent polls, and says that it lives, as shipped. */
export const EVERY_MS = 10_000;

/** What is measured: brokers on one PostgreSQL that waits for the disk, and a fleet that is connected to them. */
export interface FleetWorld extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly database: DatabaseAddress;
  readonly crowd: Crowd;
  readonly fleet: Fleet;
  readonly admin: Api;
  readonly brokers: () => readonly number[];
  /** Ends every broker as a rollout does, and starts each anew at its port; resolves when all are ready. */
  restart(): Promise<void>;
}

/**
 * Opens a world whose agents have all begun.
 *
 * @throws When there is no PostgreSQL on this machine.
 */
export async function openFleetWorld(size: { readonly agents: number; readonly brokers: number }): Promise<FleetWorld> {
  const binaries = await findPostgres();
  if (binaries === undefined) throw new Error(`Cannot measure: there is no ${PARTS.postgres} (${ADDED_BY} adds it)`);
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await startPostgres(binaries));
  const database = await server.createDatabase();
  const { pak, pakHash } = await adminKey();
  const ports = Array.from({ length: size.brokers }, () => stablePort());
  const settings = { DATABASE__URL: database.url, BROKER__PAK_HASH: pakHash };
  let brokers: Program[] = [];
  const start = async () => {
    brokers = ports.map((port) => startBroker(settings, { port }));
    await Promise.all(brokers.map(untilReady));
  };
  opened.defer(async () => void await Promise.all(brokers.map((each) => each[Symbol.asyncDispose]())));
  await start();
  const crowd = await makeCrowd(server, database, size.agents);
  const urls = brokers.map(({ url }) => url);
  const url = (index: number) => urls[index % urls.length] ?? "";
  const agents = crowd.agents.map((agent, index) => ({ ...agent, url: url(index) }));
  const fleet = opened.use(startFleet({ agents, everyMs: EVERY_MS, hasPush: true }));
  const closing = opened.move();
  return {
    ...{ server, database, crowd, fleet },
    admin: apiClient(url(0), pak),
    brokers: () => brokers.map(({ pid }) => pid),
    async restart() {
      await Promise.all(brokers.map((broker) => broker.stop()));
      await start();
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** What any version answers of what it made. */
const IdOnly = z.object({ id: z.uuid() });

/** Submits a small bundle to a stack. */
export async function submit({ admin }: Pick<FleetWorld, "admin">, stackId: string): Promise<string> {
  const name = `settings-${crypto.randomUUID().slice(0, 8)}`;
  const manifest = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { a: b }\n`;
  return (await admin.send(IdOnly, "POST", `/stacks/${stackId}/deployment-objects`, manifest)).id;
}
