/**
 * Random operations under faults on the simulated cluster, against a model that knows what must be there, as
 * tests/model does in the tests.
 *
 * usage: [MODEL_SEED=<seed>] deno task bench model [operations, default 10000]
 */
import { runModel, seedOf } from "../model/run.ts";

async function main(operations: number): Promise<number> {
  const seed = seedOf(Deno.env.get("MODEL_SEED"));
  console.log(`${operations} operations; MODEL_SEED=${seed} repeats them`);
  const startMs = performance.now();
  try {
    console.table(await runModel({ seed, operations }));
  } catch (error) {
    console.error("NOT HELD:", error);
    return 1;
  }
  console.log(`${Math.round((performance.now() - startMs) / 1_000)} s`);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 10_000)));
