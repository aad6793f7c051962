import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { realCluster, simulatedCluster } from "./clusters.ts";
import { doModelled, type Modelled } from "./model.ts";

/** Always the same, so that no change is refused for what chance found: `deno task bench model` looks for that. */
const SEEDS = { simulated: 601, real: 1 };

/** Here it polls only: when it hears at once, what it hears depends on more than the seed. The bench draws both. */
const PUSHED = 0;

testWith("postgres", "random operations under faults leave all as a model says, on the simulated cluster", async () => {
  await hold({ seed: seedOr(SEEDS.simulated), operations: 500, batch: 10, openCluster: simulatedCluster });
});

testWith(
  ["postgres", "control plane"],
  "random operations under faults leave all as a model says, on a real control plane",
  async () => {
    await hold({ seed: seedOr(SEEDS.real), operations: 200, batch: 20, openCluster: realCluster });
  },
);

/** One that is named is tried instead. */
function seedOr(seed: number): number {
  const named = Deno.env.get("MODEL_SEED");
  return named === undefined ? seed : Number(named);
}

async function hold(what: Omit<Modelled, "shrinks" | "pushed">): Promise<void> {
  console.log(`MODEL_SEED=${what.seed}`);

  const { steps, checks } = await doModelled({ ...what, pushed: PUSHED, shrinks: 0 });

  assert.deepEqual([steps, checks], [what.operations, what.operations / what.batch]);
}
