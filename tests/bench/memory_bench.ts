/**
 * What an agent that has much to keep needs of memory, at most, from its start until all is applied, reported and
 * looked at again by two resyncs. The cluster is the simulated one, in this process; the agent is one of its own,
 * started as its chart starts it.
 *
 * usage: deno task bench memory [25x400 or 100x500, default both]
 */
import { isAvailable } from "../run/parts.ts";
import { scrape, sumOf } from "../system/metrics_page.ts";
import { eventually } from "../system/wait.ts";
import { openWorld } from "../system/world.ts";
import { fill, type FleetSize } from "./large/fleet.ts";
import { AGENT_FLAGS, peakMB, residentMiB } from "./process.ts";

interface Case extends FleetSize {
  readonly maxMB: number;
}

const CASES: Readonly<Record<string, Case>> = {
  "25x400": { stacks: 25, objects: 400, characters: 1_000, maxMB: 300 },
  "100x500": { stacks: 100, objects: 500, characters: 100, maxMB: 450 },
};
const RESYNC_SECONDS = 30;
/** As shipped, but for a resync that comes while there is something to see of it. */
const AGENT_SETTINGS = { AGENT__HEARTBEAT_INTERVAL: "10", AGENT__RESYNC_INTERVAL: String(RESYNC_SECONDS) };

async function main(names: readonly string[]): Promise<number> {
  let missed = 0;
  for (const name of names) {
    const one = CASES[name];
    if (one === undefined) throw new Error(`There is no such case: ${name}`);
    const { peak, rest, megabytes } = await measure(one);
    const title = `${one.stacks} stacks of ${one.objects} objects, ${megabytes.toFixed(1)} MB of YAML`;
    console.log(`${title}: at most ${peak.toFixed(0)} MB, ${rest.toFixed(0)} MB at rest (limit ${one.maxMB} MB)`);
    if (peak <= one.maxMB) continue;
    console.error(`NOT HELD: ${name} takes more than ${one.maxMB} MB`);
    missed += 1;
  }
  return missed === 0 ? 0 : 1;
}

async function measure(size: Case): Promise<{ peak: number; rest: number; megabytes: number }> {
  await using world = await openWorld({
    parts: isAvailable("postgres") ? ["postgres"] : [],
    agentSettings: AGENT_SETTINGS,
    agentFlags: AGENT_FLAGS,
  });
  const characters = await fill(world, size);
  const turns = async () => sumOf(await scrape(world.agent.url), "brokkr_agent_reconciliations_total");
  const before = await turns();
  await eventually("two resyncs are over", async () => await turns() >= before + 2 * size.stacks, {
    seconds: 20 * RESYNC_SECONDS,
    everyMs: 500,
  });
  const { pid } = world.agent;
  return {
    peak: await peakMB(pid),
    rest: await residentMiB(pid) * 1.048576,
    megabytes: characters / 1_000_000,
  };
}

if (import.meta.main) Deno.exit(await main(Deno.args.length > 0 ? Deno.args : Object.keys(CASES)));
