/**
 * What people and programs read of a fleet of 5,000 agents with 300,000 deliveries: pages of deliveries by every
 * condition, the fleet, the causes of a stack, the console's pages; and what it costs the broker to hear of health.
 *
 * usage: deno task bench seeing
 */
import { ADDED_BY, isAvailable, PARTS } from "../run/parts.ts";
import { openWorld } from "../system/world.ts";
import { fill } from "./seeing/fill.ts";
import { measureReads, readsOf } from "./seeing/reads.ts";
import { measureReports } from "./seeing/reports.ts";

async function main(): Promise<number> {
  if (!isAvailable("postgres")) {
    console.error(`Cannot measure: there is no ${PARTS.postgres} (${ADDED_BY} adds it)`);
    return 1;
  }
  await using world = await openWorld({ parts: ["postgres"], startsAgent: false });
  const ofReports = await measureReports(world);
  await fill(world);
  const faults = [...ofReports, ...await measureReads(world, await readsOf(world))];
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
