/**
 * The paths that agents and Prometheus ask all day, asked by keep-alive clients of a broker that is a process of its
 * own on PostgreSQL: requests a second, how long they take, and their share of what `/healthz` answers at the same
 * time. Beside it, in turns, version 0.10.0, and the same broker with 304,000 deliveries, 20,000 deleted stacks and
 * agents. Then one that keeps no keys: all are looked up, as after a restart.
 *
 * usage: deno task bench hot_paths [clients, default 64] [milliseconds of each measurement, default 1000]
 */
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";
import { ADDED_BY, PARTS } from "../run/parts.ts";
import { growth, scrape } from "../system/metrics_page.ts";
import { unpackOldPrograms } from "../upgrade/old_programs.ts";
import { processorUs, residentMiB } from "./process.ts";
import { ceilingsOf } from "./hot_paths/ceiling.ts";
import { burden } from "./hot_paths/burden.ts";
import { AUTHENTICATE, healthPath, type HotPath } from "./hot_paths/paths.ts";
import { faultsOf, table, type Trial } from "./hot_paths/results.ts";
import { openSide, type Side } from "./hot_paths/side.ts";

const TRIALS = 5;
/** Milliseconds that reading the gauges may take, on average. */
const GAUGES_MAX_MS = 50;
/** Of the keys that are known a second, so many are looked up at least. */
const LOOK_UPS_MIN_RATIO = 0.2;

async function main(clients: number, ms: number): Promise<number> {
  const binaries = await findPostgres();
  if (binaries === undefined) {
    console.error(`Cannot measure: there is no ${PARTS.postgres} (${ADDED_BY} adds it)`);
    return 1;
  }
  await using server = await startPostgres(binaries);
  await using programs = await unpackOldPrograms();
  await using now = await openSide(server, { clients });
  await using old = await openSide(server, { clients, entry: programs.entry("broker") });
  await using burdened = await openSide(server, { clients, fill: burden });
  const ceilings = await ceilingsOf(now.paths, { clients, ms });
  const trials = await measure({ now, old, burdened }, ms);
  console.log(table(trials, ceilings).join("\n"));
  console.log(`\nbroker: ${(await residentMiB(now.broker.pid)).toFixed(0)} MiB after all of it`);
  const gaugesMs = await gaugesTookMs(burdened);
  console.log(`gauges of 304,000 deliveries: ${gaugesMs.toFixed(0)} ms, at most ${GAUGES_MAX_MS}`);
  const lookUps = await lookUpRatio(now, await openSide(server, { clients, settings: KEEPS_NO_KEYS }), ms);
  console.log(`keys looked up: ${lookUps.toFixed(2)} of those that are known, at least ${LOOK_UPS_MIN_RATIO}`);
  const faults = [
    ...faultsOf(trials, ceilings),
    ...lookUps >= LOOK_UPS_MIN_RATIO ? [] : ["looking up keys takes too long"],
    ...gaugesMs <= GAUGES_MAX_MS ? [] : ["reading the gauges takes too long"],
  ];
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

const KEEPS_NO_KEYS = { BROKER__AUTH_CACHE_TTL_SECONDS: "0" };

/** How many keys are looked up for each one that is known, both by brokers that do nothing else. */
async function lookUpRatio(known: Side, opened: Side, ms: number): Promise<number> {
  await using unknown = opened;
  const ratios: number[] = [];
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const [one, other] = [await authentications(unknown, ms), await authentications(known, ms)];
    ratios.push(one / other);
  }
  return ratios.sort((one, other) => one - other)[Math.floor(TRIALS / 2)] ?? Number.NaN;
}

async function authentications(side: Side, ms: number): Promise<number> {
  const path = side.paths.find(({ name }) => name === AUTHENTICATE);
  if (path === undefined) throw new Error(`Cannot measure: there is no path ${AUTHENTICATE}`);
  return (await side.measure(path, ms)).perSecond;
}

interface Sides {
  readonly now: Side;
  readonly old: Side;
  readonly burdened: Side;
}

/** Each path several times, each time beside the others, so that whatever else the machine does befalls all of them. */
async function measure({ now, old, burdened }: Sides, ms: number): Promise<ReadonlyMap<HotPath, readonly Trial[]>> {
  const health = healthPath();
  for (const side of [now, old, burdened]) {
    for (const path of [health, ...side.paths]) await side.measure(path, ms / 2);
  }
  const trials = new Map<HotPath, Trial[]>(now.paths.map((path) => [path, []]));
  for (let trial = 0; trial < TRIALS; trial += 1) {
    for (const [index, [path, done]] of [...trials].entries()) {
      const same = ({ paths }: Side) => paths[index] ?? path;
      const beside = await now.measure(health, ms / 2);
      const usBefore = await processorUs(now.broker.pid);
      const measured = await now.measure(path, ms);
      const brokerUs = (await processorUs(now.broker.pid) - usBefore) / measured.requests;
      done.push({
        ...{ health: beside, measured, brokerUs },
        old: await old.measure(same(old), ms / 2),
        burdened: await burdened.measure(same(burdened), ms),
      });
    }
  }
  return trials;
}

/** On average over every time but those before the database was filled, when it takes next to nothing. */
async function gaugesTookMs({ broker, pageOfFull }: Side): Promise<number> {
  const grown = growth(pageOfFull, await scrape(broker.url));
  const of = (what: "sum" | "count") =>
    grown.get(`brokkr_job_duration_seconds_${what}{task="refresh_gauges"}`) ?? Number.NaN;
  return of("sum") / of("count") * 1_000;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 64), Number(Deno.args[1] ?? 1000)));
