/**
 * Random operations under faults against a model that knows what must be there, as tests/model does in the tests: on
 * the simulated cluster, and on a real control plane where `real` says so. With `shrink` a run that fails is tried
 * again with fewer steps.
 *
 * usage: [MODEL_SEED=<seed>] deno task bench model [operations, default 10000; 1000 with real] [real] [shrink]
 */
import { realCluster, simulatedCluster } from "../model/clusters.ts";
import { doModelled } from "../model/model.ts";
import { seedOf } from "../model/run.ts";

/** In half of its lives the agent hears of changes at once. */
const PUSHED = 0.5;
/** How often a run that failed is tried again. */
const SHRINKS = 12;

interface Options {
  readonly operations: number;
  readonly isReal: boolean;
  readonly isShrunk: boolean;
}

async function main({ operations, isReal, isShrunk }: Options): Promise<number> {
  const seed = seedOf(Deno.env.get("MODEL_SEED"));
  console.log(`${operations} operations; MODEL_SEED=${seed} repeats them`);
  const startMs = performance.now();
  const openCluster = isReal ? realCluster : simulatedCluster;
  try {
    console.table(
      await doModelled({
        ...{ seed, operations, openCluster },
        ...{ batch: isReal ? 20 : 10, pushed: PUSHED, shrinks: isShrunk ? SHRINKS : 0 },
      }),
    );
  } catch (error) {
    console.error("NOT HELD:", error);
    return 1;
  }
  console.log(`${Math.round((performance.now() - startMs) / 1_000)} s`);
  return 0;
}

function optionsOf(words: readonly string[]): Options {
  const isReal = words.includes("real");
  const [operations = isReal ? 1_000 : 10_000] = words.filter((word) => /^\d+$/.test(word)).map(Number);
  return { operations, isReal, isShrunk: words.includes("shrink") };
}

if (import.meta.main) Deno.exit(await main(optionsOf(Deno.args)));
