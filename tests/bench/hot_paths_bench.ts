/**
 * The paths that agents and Prometheus ask all day, asked by keep-alive clients of a broker that is a process of its own
 * on PostgreSQL: requests a second, how long they take, and their share of what `/healthz` answers at the same time.
 *
 * usage: deno task bench hot_paths [clients, default 16] [milliseconds of each measurement, default 1000]
 */
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";
import { ADDED_BY, PARTS } from "../run/parts.ts";
import { adminKey } from "../system/keys.ts";
import { type Program, startBroker, untilReady } from "../system/programs.ts";
import { processorUs, residentMiB } from "./process.ts";
import { Connection } from "./hot_paths/connection.ts";
import { makeFleet } from "./hot_paths/fleet.ts";
import { load } from "./hot_paths/load.ts";
import { healthPath, type HotPath, hotPaths, STACKS } from "./hot_paths/paths.ts";
import { faultsOf, table, type Trial } from "./hot_paths/results.ts";

const TRIALS = 5;

async function main(clients: number, ms: number): Promise<number> {
  const binaries = await findPostgres();
  if (binaries === undefined) {
    console.error(`Cannot measure: there is no ${PARTS.postgres} (${ADDED_BY} adds it)`);
    return 1;
  }
  await using server = await startPostgres(binaries);
  const { pak, pakHash } = await adminKey();
  await using broker = startBroker({ DATABASE__URL: server.url, BROKER__PAK_HASH: pakHash });
  await untilReady(broker);
  const fleet = await makeFleet(broker.url, { adminPak: pak, agentCount: 2 * clients, stackCount: STACKS });
  const trials = await measure(broker, await hotPaths(broker.url, fleet), { clients, ms });
  console.log(table(trials).join("\n"));
  console.log(`\nbroker: ${(await residentMiB(broker.pid)).toFixed(0)} MiB after all of it`);
  const faults = faultsOf(trials);
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

/** Each path several times, each time beside `/healthz`, so that whatever else the machine does befalls both. */
async function measure(
  { url, pid }: Program,
  paths: readonly HotPath[],
  { clients, ms }: { readonly clients: number; readonly ms: number },
): Promise<ReadonlyMap<HotPath, readonly Trial[]>> {
  using opened = new DisposableStack();
  const connections: Connection[] = [];
  for (let client = 0; client < clients; client += 1) connections.push(opened.use(await Connection.open(url)));
  const health = healthPath();
  for (const path of [health, ...paths]) await load(connections, path, ms);
  const trials = new Map<HotPath, Trial[]>(paths.map((path) => [path, []]));
  for (let trial = 0; trial < TRIALS; trial += 1) {
    for (const [path, done] of trials) {
      const beside = await load(connections, health, ms / 2);
      const usBefore = await processorUs(pid);
      const measured = await load(connections, path, ms);
      done.push({ health: beside, measured, brokerUs: (await processorUs(pid) - usBefore) / measured.requests });
    }
  }
  return trials;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 16), Number(Deno.args[1] ?? 1000)));
