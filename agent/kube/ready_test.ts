import assert from "node:assert/strict";
import type { ApiResource, Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { Desired } from "./desired.ts";
import { createDiscovery } from "./discovery.ts";
import { waitForTypes } from "./ready.ts";

const DEFINITIONS: ApiResource = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  resource: "customresourcedefinitions",
  namespaced: false,
  verbs: [],
};
const DEFINITION = {
  groupKind: { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" },
  place: { resource: DEFINITIONS, name: "widgets.example" },
} as unknown as Desired;

/** A cluster in which the definition is Established at the `looks`-th look. */
function establishedAt(looks: number) {
  let seen = 0;
  const kubernetes = {
    get: (): Promise<KubernetesObject> => {
      seen += 1;
      const conditions = [{ type: "Established", status: seen >= looks ? "True" : "False" }];
      return Promise.resolve({
        apiVersion: "",
        kind: "",
        metadata: { name: "widgets.example" },
        status: { conditions },
      });
    },
  } as unknown as Kubernetes;
  const clock = new ManualClock({ skipsSleeps: true });
  return { clock, parts: { kubernetes, clock, discovery: createDiscovery(kubernetes) } };
}

Deno.test("waitForTypes() looks again until the definition is Established", async () => {
  const { parts, clock } = establishedAt(3);

  const notReady = await waitForTypes(parts, [DEFINITION], new AbortController().signal);

  assert.deepEqual([notReady, clock.slept], [[], [200, 200]]);
});

Deno.test("waitForTypes() gives up after thirty seconds, and names the definition", async () => {
  const { parts, clock } = establishedAt(Infinity);

  const [result] = await waitForTypes(parts, [DEFINITION], new AbortController().signal);

  assert.equal(clock.monotonic(), 30_000);
  assert.deepEqual([result?.name, result?.action], ["widgets.example", "failed"]);
});
