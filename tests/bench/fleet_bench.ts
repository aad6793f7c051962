/**
 * A broker with a fleet of thousands of light agents over real HTTP, each with its own key and connections, on
 * PostgreSQL that waits for the disk: how long their requests take while they do what a fleet does all day, and what of
 * processors and memory that needs. Ends with 1 when a limit is missed.
 *
 * usage: deno task bench fleet [--mode steady,rollout,…] [--agents 5000,…] [--brokers 1,…] [--seconds 300]
 *        [--json file: results are put in beside what is there] [--html file]
 *
 * The page about scale is made of docs/generate/scale/measured.json, which several such runs may fill.
 */
import { parseArgs } from "node:util";
import { type Mode, MODES, type Result } from "../../docs/generate/scale/measurement.ts";
import { ceilingOf } from "./fleet/ceiling.ts";
import { faultsOf, usualAgents } from "./fleet/limits.ts";
import { keepResults, thisMachine } from "./fleet/measured.ts";
import { RUN } from "./fleet/modes.ts";
import { pageOf } from "./fleet/page.ts";
import { resultOf } from "./fleet/result.ts";
import { tablesOf } from "./fleet/table.ts";
import { watchUsage } from "./fleet/usage.ts";
import { openFleetWorld, untilAtEase, type WorldSize } from "./fleet/world.ts";

interface Wanted {
  readonly modes: readonly Mode[];
  readonly sizes: readonly WorldSize[];
  readonly seconds: number;
  readonly json: string | undefined;
  readonly html: string | undefined;
}

async function main(args: readonly string[]): Promise<number> {
  const { modes, sizes, seconds, json, html } = wanted(args);
  const results: Result[] = [];
  const ceilings = new Map<number, number>();
  const broken: string[] = [];
  for (const size of sizes) {
    const ceilingPerSecond = ceilings.get(size.agents) ?? await ceilingOf(size.agents);
    ceilings.set(size.agents, ceilingPerSecond);
    console.log(`${size.agents} agents can send ${ceilingPerSecond.toFixed(0)} requests a second`);
    try {
      for await (const result of measuredIn(size, modes, { seconds, ceilingPerSecond })) {
        results.push(result);
        console.log(`${result.mode}, ${size.agents} agents, brokers: ${size.brokers}: done`);
        if (json !== undefined) await keepResults(json, { machine: await thisMachine(), results });
      }
    } catch (error) {
      broken.push(`${size.agents} agents, brokers: ${size.brokers}: ${error}`);
    }
  }
  console.log(`\n${tablesOf(results).join("\n")}`);
  if (html !== undefined) await Deno.writeTextFile(html, pageOf(results));
  const missed = results.flatMap(({ mode, agents, brokers, faults }) =>
    faults.map((fault) => `${mode}, ${agents} agents, brokers: ${brokers}: ${fault}`)
  );
  for (const fault of [...missed, ...broken]) console.error(`NOT HELD: ${fault}`);
  return missed.length + broken.length === 0 ? 0 : 1;
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
  const counts = numbers(values.agents ?? String(Math.max(...modes.map(usualAgents))));
  const sizes = numbers(values.brokers).flatMap((brokers) => counts.map((agents) => ({ agents, brokers })));
  return { modes, sizes, seconds: Number(values.seconds), json: values.json, html: values.html };
}

type Running = Pick<Result, "seconds" | "ceilingPerSecond">;

/** One mode after the other in one world: each begins when every agent is at its ease. */
async function* measuredIn(size: WorldSize, modes: readonly Mode[], running: Running): AsyncGenerator<Result> {
  await using world = await openFleetWorld(size);
  for (const mode of modes) {
    await untilAtEase(world);
    const used = await watchUsage(world);
    const startMs = performance.now();
    const ran = await RUN[mode](world, running.seconds);
    const seconds = (performance.now() - startMs) / 1_000;
    const result = resultOf({ ...size, ...running, mode, seconds }, ran, await used());
    yield { ...result, faults: [...faultsOf(result)] };
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
