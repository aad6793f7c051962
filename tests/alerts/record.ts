/**
 * Lets everything happen that alerts are for, with the programs running, and keeps what was on their pages as fixtures
 * (`deno task record`); with names, only those scenarios.
 */
import { missingParts } from "../run/parts.ts";
import { keepRecording } from "./fixtures.ts";
import { SCENARIOS } from "./scenarios/mod.ts";

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) {
    console.error(`Cannot record ${unknown.join(", ")}: there are ${SCENARIOS.map(({ name }) => name).join(", ")}`);
    return 1;
  }
  if (missingParts(["postgres"]).length > 0) {
    console.error('Cannot record: PostgreSQL is not on this machine; "deno task setup" adds it');
    return 1;
  }
  for (const scenario of SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const { steps } = await keepRecording(scenario);
    console.log(`${scenario.name}: ${steps} steps`);
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
