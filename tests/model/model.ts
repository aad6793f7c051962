import { type ModelRun, type ModelTally, NotAsItMustBe, runModel } from "./run.ts";
import { shrink } from "./shrink.ts";
import type { ModelCluster } from "./model_world.ts";

/** What is done, how often, and on which cluster. */
export interface Modelled extends Omit<ModelRun, "steps"> {
  readonly operations: number;
  readonly openCluster: () => Promise<ModelCluster & AsyncDisposable>;
  /** How often a failing run is tried once more with fewer steps. */
  readonly shrinks: number;
}

/**
 * Does random operations on a cluster of its own. A run that fails is shrunk.
 *
 * @throws {NotAsItMustBe} with the seed, the fewest steps that failed so, and what was seen.
 */
export async function doModelled({ operations, openCluster, shrinks, ...run }: Modelled): Promise<ModelTally> {
  async function doSteps(steps: readonly number[]): Promise<ModelTally> {
    await using cluster = await openCluster();
    return await runModel(cluster, { ...run, steps });
  }
  try {
    return await doSteps(Array.from({ length: operations }, (_, step) => step));
  } catch (error) {
    if (!(error instanceof NotAsItMustBe)) throw error;
    console.log(error.message, error.cause);
    const least = await shrink(error, doSteps, shrinks);
    const isShrunk = least.steps.length < error.steps.length;
    const steps = isShrunk ? least.steps.join(" ") : `0 to ${least.steps.at(-1)}`;
    throw new Error(`Seed ${run.seed} fails with the steps ${steps}: ${least.message}`, { cause: least.cause });
  }
}
