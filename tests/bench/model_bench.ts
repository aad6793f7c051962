/**
 * Random operations under faults against a model that knows what must be there, as tests/model does in the tests: on the
 * simulated cluster, and on a real control plane where `real` says so.
 *
 * usage: [MODEL_SEED=<seed>] deno task bench model [operations, default 10000; 1000 with real] [real]
 */
import { realCluster, simulatedCluster } from "../model/clusters.ts";
import { doModelled } from "../model/model.ts";
import { seedOf } from "../model/run.ts";

async function main(
  { operations, isReal }: { readonly operations: number; readonly isReal: boolean },
): Promise<number> {
  const seed = seedOf(Deno.env.get("MODEL_SEED"));
  console.log(`${operations} operations; MODEL_SEED=${seed} repeats them`);
  const startMs = performance.now();
  const openCluster = isReal ? realCluster : simulatedCluster;
  try {
    console.table(await doModelled({ seed, operations, batch: isReal ? 20 : 10, openCluster, shrinks: 0 }));
  } catch (error) {
    console.error("NOT HELD:", error);
    return 1;
  }
  console.log(`${Math.round((performance.now() - startMs) / 1_000)} s`);
  return 0;
}

function told(words: readonly string[]): Parameters<typeof main>[0] {
  const isReal = words.includes("real");
  const [number = isReal ? 1_000 : 10_000] = words.filter((word) => word !== "real").map(Number);
  return { operations: number, isReal };
}

if (import.meta.main) Deno.exit(await main(told(Deno.args)));
