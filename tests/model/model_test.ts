import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { realCluster, simulatedCluster } from "./clusters.ts";
import { doModelled, type Modelled } from "./model.ts";

/** Always the same, so that no change is refused for what chance found: `deno task bench model` looks for that. */
const SEEDS = { simulated: [1, 2, 4], real: [1] };

testWith(
  "postgres",
  "random operations under faults leave all as a model says, on the simulated cluster",
  async (t) => {
    for (const seed of seedsOr(SEEDS.simulated)) {
      await t.step(
        `MODEL_SEED=${seed}`,
        () => hold({ seed, operations: 40, batch: 10, openCluster: simulatedCluster }),
      );
    }
  },
);

testWith(
  ["postgres", "control plane"],
  "random operations under faults leave all as a model says, on a real control plane",
  async (t) => {
    for (const seed of seedsOr(SEEDS.real)) {
      await t.step(`MODEL_SEED=${seed}`, () => hold({ seed, operations: 20, batch: 10, openCluster: realCluster }));
    }
  },
);

/** One that is named is tried alone. */
function seedsOr(seeds: readonly number[]): readonly number[] {
  const named = Deno.env.get("MODEL_SEED");
  return named === undefined ? seeds : [Number(named)];
}

async function hold(what: Omit<Modelled, "shrinks">): Promise<void> {
  const { steps, checks } = await doModelled({ ...what, shrinks: 12 });

  assert.deepEqual([steps, checks], [what.operations, what.operations / what.batch]);
}
