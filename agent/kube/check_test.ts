import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { checkDesired } from "./check.ts";
import type { Desired } from "./desired.ts";
import { createLimiter } from "./limiter.ts";
import { createAppliedMemory } from "./memory.ts";
import { createOtherSets } from "./other_sets.ts";
import { CONFIG_MAPS } from "./parents.ts";

function desiredOf(name: string): Desired {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
  const place = { resource: CONFIG_MAPS, namespace: "n", name };
  const groupKind = { group: "", kind: "ConfigMap" };
  return { key: name, groupKind, place, checksum: "c", object, source: "document 1", isOfNewType: false };
}

/** Checks three ConfigMaps, one after the other, at an API server that answers each with this status. */
function checking(status: number) {
  const asked: string[] = [];
  const kubernetes = {
    apply: ({ name }) => {
      asked.push(name);
      const details = { status, reason: "", message: "not now" };
      return Promise.reject(new Failure("kubernetes_unavailable", `Cannot apply "${name}": not now`, { details }));
    },
  } as Partial<Kubernetes> as Kubernetes;
  const parts = {
    kubernetes,
    limiter: createLimiter(1),
    memory: createAppliedMemory(),
    otherSets: createOtherSets({ kubernetes, agentId: "a", namespace: "n" }),
    set: { id: "set", stackId: "s", agentId: "a" },
  };
  const members = { byKey: new Map(), failures: [] };
  const desired = ["a", "b", "c"].map(desiredOf);
  return { asked, checked: checkDesired(parts, { desired, members }, new AbortController().signal) };
}

for (const status of [429, 503]) {
  Deno.test(`checkDesired() asks no more once the API server has no time for it (${status})`, async () => {
    const { asked, checked } = checking(status);

    await assert.rejects(checked, { code: "kubernetes_unavailable", message: 'Cannot apply "a": not now' });

    assert.equal(asked.includes("c"), false);
  });
}

Deno.test("checkDesired() takes a fault that may be one object's own for a refusal, and asks about the others", async () => {
  const { asked, checked } = checking(500);

  assert.deepEqual((await checked).refusals.map(({ name }) => name), ["a", "b", "c"]);
  assert.deepEqual(asked, ["a", "b", "c"]);
});
