import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { ModelWorld } from "./model_world.ts";
import { approveLost } from "./person.ts";

/**
 * Whether a person approves at the agent that stack "a" goes, which is held there, while the broker has these
 * deliveries.
 */
async function isApproved(...deliveries: readonly { readonly stackId: string; readonly state: string }[]) {
  const annotations = { "brokkr.io/held": JSON.stringify({ revision: 7, stackIds: ["a"], isApproved: false }) };
  const root: KubernetesObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "root", annotations } };
  const patched: unknown[] = [];
  const world: unknown = {
    agentId: "agent",
    hand: {
      get: () => Promise.resolve(root),
      patch: (_: string, change: unknown) => Promise.resolve(patched.push(change)),
    },
    broker: { deliveries: () => Promise.resolve(deliveries) },
  };
  const isActed = await approveLost(world as ModelWorld);
  const approved = { metadata: { annotations: { "brokkr.io/approve-prune": "7" } } };
  assert.deepEqual(patched, isActed ? [approved] : []);
  return isActed;
}

Deno.test("a removal is approved at the agent where the broker knows nothing of it that could be held", async () => {
  assert.equal(await isApproved(), true);
  assert.equal(await isApproved({ stackId: "a", state: "removed" }), true);
  assert.equal(await isApproved({ stackId: "a", state: "blocked" }), false);
});
