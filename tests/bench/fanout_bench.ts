/**
 * A submission to thousands of agents while some of them poll and send heartbeats, on PostgreSQL that waits for the
 * disk: how long it takes until it is answered and until every delivery is settled, and what that does to everybody
 * else. Version 0.10.0 stands beside.
 *
 * usage: deno task bench fanout [agents, default 5000] [submissions, default 6]
 */
import { DeploymentObject } from "$lib/wire/stack.ts";
import { alignedTable } from "../demo/table.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../postgres/postgres_server.ts";
import { ADDED_BY, PARTS } from "../run/parts.ts";
import { apiClient } from "../system/api.ts";
import { configMap } from "../system/bundles.ts";
import { adminKey } from "../system/keys.ts";
import { startBroker, type StartOptions, untilReady } from "../system/programs.ts";
import { unpackOldPrograms } from "../upgrade/old_programs.ts";
import { makeCrowd, untilSettled } from "./crowd.ts";
import { traffic } from "./fanout/traffic.ts";

/** Of each, heartbeats and polls, a second. */
const PER_SECOND = 90;
const POLLING = 200;
/** Milliseconds between two submissions: 20 a minute. */
const PAUSE_MS = 3_000;

const LIMITS = { answeredMs: 20, settledMs: 3_000, othersMs: 100 };

interface Measured {
  /** The 95th percentile. */
  readonly answeredMs: number;
  /** The slowest. */
  readonly settledMs: number;
  /** The 99th percentiles. */
  readonly heartbeatMs: number;
  readonly pollMs: number;
  readonly notReady: number;
}

async function main(size: number, submissions: number): Promise<number> {
  const binaries = await findPostgres();
  if (binaries === undefined) {
    console.error(`Cannot measure: there is no ${PARTS.postgres} (${ADDED_BY} adds it)`);
    return 1;
  }
  await using server = await startPostgres(binaries);
  await using old = await unpackOldPrograms();
  const now = await measure(server, { size, submissions });
  const before = await measure(server, { size, submissions }, { entry: old.entry("broker") });
  console.log(
    alignedTable(
      ["ms", "answered, p95", "settled, slowest", "heartbeats, p99", "polls, p99", "not ready"],
      [["now", now] as const, ["0.10.0", before] as const].map(([name, each]) => [name, ...shown(each)]),
    ).join("\n"),
  );
  const faults = faultsOf(now);
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

async function measure(
  server: PostgresServer,
  { size, submissions }: { readonly size: number; readonly submissions: number },
  options: StartOptions = {},
): Promise<Measured> {
  const database = await server.createDatabase();
  const { pak, pakHash } = await adminKey();
  await using broker = startBroker({ DATABASE__URL: database.url, BROKER__PAK_HASH: pakHash }, options);
  await untilReady(broker);
  const crowd = await makeCrowd(server, database, size);
  const admin = apiClient(broker.url, pak);
  const submit = (round: number) =>
    admin.send(DeploymentObject, "POST", `/stacks/${crowd.everyones}/deployment-objects`, configMap(`round-${round}`));
  await untilSettled({ server, database, size }, (await submit(0)).id);
  const stop = new AbortController();
  const seen = traffic(broker.url, { agents: crowd.agents.slice(0, POLLING), perSecond: PER_SECOND }, stop.signal);
  const [answered, settled]: [number[], number[]] = [[], []];
  for (let round = 1; round <= submissions; round += 1) {
    const startMs = performance.now();
    const { id } = await submit(round);
    answered.push(performance.now() - startMs);
    await untilSettled({ server, database, size }, id);
    settled.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, startMs + PAUSE_MS - performance.now())));
  }
  stop.abort();
  const { heartbeatMs, pollMs, notReady } = await seen;
  return {
    answeredMs: quantile(answered, 0.95),
    settledMs: Math.max(...settled),
    heartbeatMs: quantile(heartbeatMs, 0.99),
    pollMs: quantile(pollMs, 0.99),
    notReady,
  };
}

function shown({ answeredMs, settledMs, heartbeatMs, pollMs, notReady }: Measured): string[] {
  return [...[answeredMs, settledMs, heartbeatMs, pollMs].map((ms) => ms.toFixed(0)), String(notReady)];
}

function faultsOf({ answeredMs, settledMs, heartbeatMs, pollMs, notReady }: Measured): string[] {
  return [
    ...(answeredMs > LIMITS.answeredMs ? [`a submission is answered after more than ${LIMITS.answeredMs} ms`] : []),
    ...(settledMs > LIMITS.settledMs ? [`a submission is settled after more than ${LIMITS.settledMs} ms`] : []),
    ...(heartbeatMs > LIMITS.othersMs ? [`heartbeats take more than ${LIMITS.othersMs} ms`] : []),
    ...(pollMs > LIMITS.othersMs ? [`polls take more than ${LIMITS.othersMs} ms`] : []),
    ...(notReady > 0 ? ["the broker was not ready"] : []),
  ];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 5_000), Number(Deno.args[1] ?? 6)));
