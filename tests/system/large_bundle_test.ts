import assert from "node:assert/strict";
import { bundle, configMap, deployment } from "./bundles.ts";
import { LIGHT, story } from "./story.ts";
import { openWorld, type World } from "./world.ts";

const SIZE = 4 * 1024 * 1024;
const PROBE_EVERY_MS = 10;

story("of large bundles: the broker answers others while it parses them", LIGHT, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  const path = `/stacks/${await world.addStack("shop")}/deployment-objects`;
  await world.generator.call("POST", path, configMap("first"));

  const taken = await probedWhile(world, () => world.generator.call("POST", path, largeBundle()));
  const refused = await world.generator.call("POST", path, "[".repeat(SIZE / 2));

  assert.deepEqual([taken.status, refused.status], [201, 400]);
  assert.ok(taken.longestGapMs < taken.totalMs / 2, `silent for ${taken.longestGapMs} ms of ${taken.totalMs} ms`);
});

interface Probed {
  readonly status: number;
  readonly totalMs: number;
  /** The longest time between two answers to somebody else. */
  readonly longestGapMs: number;
}

/** Asks `/healthz` again and again until the submission is answered. */
async function probedWhile(world: World, submit: () => Promise<{ readonly status: number }>): Promise<Probed> {
  const start = performance.now();
  let isAnswered = false;
  const submission = submit().finally(() => isAnswered = true);
  let longestGapMs = 0;
  for (let last = start; !isAnswered;) {
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    await (await fetch(`${world.broker.url}/healthz`)).body?.cancel();
    longestGapMs = Math.max(longestGapMs, performance.now() - last);
    last = performance.now();
  }
  return { status: (await submission).status, totalMs: performance.now() - start, longestGapMs };
}

/** As many Deployments as a large public bundle has lines. */
function largeBundle(): string {
  const one = deployment("d00000").length + "---\n".length;
  const count = Math.floor(SIZE / one) - 1;
  return bundle(...Array.from({ length: count }, (_, n) => deployment(`d${String(n).padStart(5, "0")}`)));
}
