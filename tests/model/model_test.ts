import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { realCluster, simulatedCluster } from "./clusters.ts";
import { doModelled, type Modelled } from "./model.ts";
import { seedOf } from "./run.ts";

Deno.test("500 random operations under faults leave all as a model says, on the simulated cluster", async () => {
  await hold({ operations: 500, batch: 10, openCluster: simulatedCluster });
});

testWith(
  "control plane",
  "200 random operations under faults leave all as a model says, on a real control plane",
  async () => {
    await hold({ operations: 200, batch: 20, openCluster: realCluster });
  },
);

async function hold(what: Pick<Modelled, "operations" | "batch" | "openCluster">): Promise<void> {
  const seed = seedOf(Deno.env.get("MODEL_SEED"));
  console.log(`model: MODEL_SEED=${seed} repeats this`);

  const { steps, checks, acts } = await doModelled({ ...what, seed, shrinks: 12 });

  console.log(`model: ${checks} checks, ${acts} acts of a person`);
  assert.deepEqual([steps, checks], [what.operations, what.operations / what.batch]);
}
