import assert from "node:assert/strict";
import { runModel, seedOf } from "./run.ts";

Deno.test("500 random operations under faults leave the cluster as a model says, and delete nothing else", async () => {
  const seed = seedOf(Deno.env.get("MODEL_SEED"));
  console.log(`model: MODEL_SEED=${seed} repeats this`);

  const { turns, kills, unfinished, checks } = await runModel({ seed, operations: 500 });

  console.log(`model: ${turns} turns, ${kills} killed, ${unfinished} unfinished`);
  assert.equal(checks, 50);
});
