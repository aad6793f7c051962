/**
 * Lets everything happen that alerts are for, with the programs running, and keeps what was on their pages as fixtures
 * (`deno task record`); with names, only those scenarios. Then plays every outage through, and keeps what comes of it;
 * with `--outages` it does only that.
 */
import { missingParts } from "../run/parts.ts";
import { keepRecording } from "./fixtures.ts";
import { keepOutages } from "./played.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/mod.ts";

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) {
    console.error(`Cannot record ${unknown.join(", ")}: there are ${SCENARIOS.map(({ name }) => name).join(", ")}`);
    return 1;
  }
  return await record(SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name)));
}

async function record(scenarios: readonly Scenario[]): Promise<number> {
  const missing = missingParts(["postgres", "prometheus", "alertmanager"]);
  if (missing.length > 0) {
    console.error(`Cannot record: ${missing.join(", ")} is not on this machine; "deno task setup" adds it`);
    return 1;
  }
  for (const scenario of scenarios) {
    const { steps } = await keepRecording(scenario);
    console.log(`${scenario.name}: ${steps} steps`);
  }
  await keepOutages();
  return 0;
}

if (import.meta.main) Deno.exit(Deno.args.includes("--outages") ? await record([]) : await main(Deno.args));
