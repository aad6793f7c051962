import assert from "node:assert/strict";
import { NotAsItMustBe } from "./run.ts";
import { shrink } from "./shrink.ts";

/** Fails while both of these steps are done. */
function failing(...needed: readonly number[]) {
  const tries: (readonly number[])[] = [];
  function doSteps(steps: readonly number[]): Promise<void> {
    tries.push(steps);
    if (!needed.every((step) => steps.includes(step))) return Promise.resolve();
    return Promise.reject(new NotAsItMustBe("failed", { steps, cause: undefined }));
  }
  const first = new NotAsItMustBe("failed", { steps: Array.from({ length: 20 }, (_, at) => at), cause: undefined });
  return { doSteps, first, tries };
}

Deno.test("shrink() leaves out every step without which a run fails still", async () => {
  const { doSteps, first } = failing(3, 17);

  const least = await shrink(first, doSteps, 100);

  assert.deepEqual(least.steps, [3, 17]);
});

Deno.test("shrink() tries no more often than it may", async () => {
  const { doSteps, first, tries } = failing(3, 17);

  await shrink(first, doSteps, 4);

  assert.equal(tries.length, 4);
});
