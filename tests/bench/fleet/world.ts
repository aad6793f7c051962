import { z } from "zod";
import {
  type DatabaseAddress,
  findPostgres,
  type PostgresServer,
  startPostgres,
} from "../../postgres/postgres_server.ts";
import { stablePort } from "../../cluster/ports.ts";
import { ADDED_BY, PARTS } from "../../run/parts.ts";
import { pause, waitFor } from "../../run/wait.ts";
import { type Api, apiClient } from "../../system/api.ts";
import { adminKey } from "../../system/keys.ts";
import { type Program, startBroker, untilReady } from "../../system/programs.ts";
import { type Crowd, makeCrowd, untilSettled } from "../crowd.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { merged, noSamples, type Samples } from "./samples.ts";

/** How often an agent polls, and says that it lives, as shipped. */
const EVERY_MS = 10_000;
const EASE_MS = 5_000;
const EASE_MAX_MS = 60_000;

/** What is measured: brokers on one PostgreSQL that waits for the disk, and a fleet that is connected to them. */
export interface FleetWorld extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly database: DatabaseAddress;
  readonly crowd: Crowd;
  readonly fleet: Fleet;
  readonly admin: Api;
  /** The processes of the brokers. */
  readonly brokers: () => readonly number[];
  /** Ends every broker as a rollout does, and starts each anew at its port; resolves when all are ready. */
  restart(): Promise<void>;
}

/** How many of each there are. */
export interface WorldSize {
  readonly agents: number;
  readonly brokers: number;
}

/**
 * Opens a world whose agents have all begun, and have what is theirs: a stack of everybody's and one of fifty.
 *
 * @throws When there is no PostgreSQL on this machine.
 */
export async function openFleetWorld(size: WorldSize): Promise<FleetWorld> {
  await using opened = new AsyncDisposableStack();
  const { server, database, brokers, pak } = await openBrokers(opened, size.brokers);
  const crowd = await makeCrowd(server, database, size.agents);
  const urls = brokers.urls();
  const url = (index: number) => urls[index % urls.length] ?? "";
  const admin = apiClient(url(0), pak);
  for (const stackId of crowd.groups) await submit({ admin }, stackId);
  await untilSettled({ server, database, size: size.agents }, await submit({ admin }, crowd.everyones));
  const agents = crowd.agents.map((agent, index) => ({ ...agent, url: url(index) }));
  const fleet = opened.use(startFleet({ agents, pollEveryMs: EVERY_MS, heartbeatEveryMs: EVERY_MS, hasPush: true }));
  await untilReported(fleet, 2 * size.agents);
  const closing = opened.move();
  return {
    ...{ server, database, crowd, fleet, admin },
    brokers: brokers.pids,
    restart: brokers.restart,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Resolves a while after nothing is left to do; what was seen until then is forgotten. */
export async function untilAtEase({ server, database, fleet }: FleetWorld): Promise<void> {
  await waitFor(async () => {
    const [row] = await server.asSuperuser(
      (sql) => sql<{ open: number }[]>`select count(*)::int as open from deliveries where state <> 'applied'`,
      database.database,
    );
    return row?.open === 0 ? true : undefined;
  }, { what: "have the fleet at its ease", intervalMs: 500, timeoutMs: EASE_MAX_MS });
  await pause(EASE_MS);
  await fleet.collect();
}

/** Resolves when so many more reports are acknowledged, with all that was seen until then. */
export async function untilReported(fleet: Fleet, count: number): Promise<Samples> {
  let samples = noSamples();
  return await waitFor(async () => {
    samples = merged([samples, await fleet.collect()]);
    return samples.reported >= count ? samples : undefined;
  }, { what: `have ${count} reports`, intervalMs: 250 });
}

/** Starts PostgreSQL and brokers, which end with `opened`. */
async function openBrokers(opened: AsyncDisposableStack, count: number) {
  const binaries = await findPostgres();
  if (binaries === undefined) throw new Error(`Cannot measure: there is no ${PARTS.postgres} (${ADDED_BY} adds it)`);
  const server = opened.use(await startPostgres(binaries));
  const database = await server.createDatabase();
  const { pak, pakHash } = await adminKey();
  const ports = Array.from({ length: count }, () => stablePort());
  const settings = { DATABASE__URL: database.url, BROKER__PAK_HASH: pakHash };
  let brokers: Program[] = [];
  const start = async () => {
    brokers = ports.map((port) => startBroker(settings, { port }));
    await Promise.all(brokers.map(untilReady));
  };
  opened.defer(async () => void await Promise.all(brokers.map((each) => each[Symbol.asyncDispose]())));
  await start();
  const restart = async () => {
    await Promise.all(brokers.map((broker) => broker.stop()));
    await start();
  };
  const [urls, pids] = [() => brokers.map(({ url }) => url), () => brokers.map(({ pid }) => pid)];
  return { server, database, pak, brokers: { restart, urls, pids } };
}

/** What any version answers of what it made. */
const IdOnly = z.object({ id: z.uuid() });

/** Submits a small bundle to a stack. */
export async function submit({ admin }: Pick<FleetWorld, "admin">, stackId: string): Promise<string> {
  const name = `settings-${crypto.randomUUID().slice(0, 8)}`;
  const manifest = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { a: b }\n`;
  return (await admin.send(IdOnly, "POST", `/stacks/${stackId}/deployment-objects`, manifest)).id;
}
