/**
 * A broker with a fleet of thousands of light agents over real HTTP, each with its own key and connection, on PostgreSQL
 * that waits for the disk: how long their requests take while they do what a fleet does all day, and what of processors
 * and memory that needs.
 *
 * usage: deno task bench fleet [--mode steady,rollout,…] [--agents 5000,…] [--brokers 1,…] [--seconds 300]
 *        [--json file] [--html file]
 */
import { parseArgs } from "node:util";
import { pause } from "../run/wait.ts";
import { ceilingOf } from "./fleet/ceiling.ts";
import { faultsOf, usualAgents } from "./fleet/limits.ts";
import { type Mode, MODES, RUN } from "./fleet/modes.ts";
import { type Result, resultOf } from "./fleet/result.ts";
import { pageOf } from "./fleet/page.ts";
import { tablesOf } from "./fleet/table.ts";
import { watchUsage } from "./fleet/usage.ts";
import { EVERY_MS, openFleetWorld, submit } from "./fleet/world.ts";
import { untilSettled } from "./crowd.ts";

interface Run {
  readonly mode: Mode;
  readonly agents: number;
  readonly brokers: number;
  readonly seconds: number;
}

async function main(args: readonly string[]): Promise<number> {
  const { runs, json, html } = wanted(args);
  const ceilings = new Map<number, number>();
  const results: Result[] = [];
  const faults: string[] = [];
  for (const run of runs) {
    const ceiling = ceilings.get(run.agents) ?? await ceilingOf(run.agents);
    if (!ceilings.has(run.agents)) console.log(`${run.agents} agents can send ${ceiling.toFixed(0)} requests a second`);
    ceilings.set(run.agents, ceiling);
    const result = await measured(run);
    results.push(result);
    faults.push(...faultsOf(result, ceiling));
    console.log(`${run.mode}, ${run.agents} agents: done`);
  }
  console.log(`\n${tablesOf(results).join("\n")}`);
  if (json !== undefined) await Deno.writeTextFile(json, `${JSON.stringify(results, undefined, 2)}\n`);
  if (html !== undefined) await Deno.writeTextFile(html, pageOf(results));
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

interface Wanted {
  readonly runs: readonly Run[];
  readonly json: string | undefined;
  readonly html: string | undefined;
}

function wanted(args: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mode: { type: "string", default: MODES.join(",") },
      agents: { type: "string" },
      brokers: { type: "string", default: "1" },
      seconds: { type: "string", default: "300" },
      json: { type: "string" },
      html: { type: "string" },
    },
  });
  const modes = MODES.filter((mode) => values.mode.split(",").includes(mode));
  if (modes.length === 0) throw new Error(`Cannot measure "${values.mode}": there is ${MODES.join(", ")}`);
  const numbers = (text: string) => text.split(",").map(Number);
  const seconds = Number(values.seconds);
  const runs = modes.flatMap((mode) =>
    numbers(values.agents ?? String(usualAgents(mode))).flatMap((agents) =>
      numbers(values.brokers).map((brokers) => ({ mode, agents, brokers, seconds }))
    )
  );
  return { runs, json: values.json, html: values.html };
}

/** A world of its own for each run, so that none inherits what another left; begins when every agent is at its ease. */
async function measured(run: Run): Promise<Result> {
  await using world = await openFleetWorld(run);
  const { server, database, crowd, fleet } = world;
  for (const stackId of [crowd.everyones, ...crowd.groups]) await submit(world, stackId);
  await pause(EVERY_MS * 2);
  await untilSettled({ server, database, size: run.agents }, await submit(world, crowd.everyones));
  await pause(EVERY_MS * 2);
  await fleet.collect();
  const used = await watchUsage(server, world.brokers);
  const startMs = performance.now();
  const ran = await RUN[run.mode](world, run.seconds);
  const seconds = (performance.now() - startMs) / 1_000;
  return resultOf({ ...run, seconds: Math.round(seconds) }, ran, await used());
}

if (import.meta.main) Deno.exit(await main(Deno.args));
