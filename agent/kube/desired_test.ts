import assert from "node:assert/strict";
import { parseBundle } from "$lib/bundle.ts";
import { Failure, isFailure } from "$lib/error.ts";
import type { ApiResource } from "$lib/kubernetes.ts";
import type { Discovery } from "./discovery.ts";
import { resolveDesired } from "./desired.ts";
import { preparedManifest } from "./reading/prepare.ts";

const CONFIG_MAP: ApiResource = {
  ...{ apiVersion: "v1", kind: "ConfigMap", resource: "configmaps", namespaced: true },
  verbs: ["get", "patch", "delete"],
};
const BUNDLE = `apiVersion: v1
kind: ConfigMap
metadata: { name: a }
---
apiVersion: metrics.k8s.io/v1beta1
kind: PodMetrics
metadata: { name: b }
`;
const NO_ANSWER = new Failure("kubernetes_unavailable", "Cannot discover: the API server does not answer");

/** What the bundle comes to where the API of its second object fails so; the API server itself answers or not. */
function resolve(failure: Failure, { isServerThere }: { readonly isServerThere: boolean }) {
  const discovery: Partial<Discovery> = {
    find: (apiVersion) => apiVersion === "v1" ? Promise.resolve(CONFIG_MAP) : Promise.reject(failure),
    serves: () => isServerThere ? Promise.resolve(true) : Promise.reject(NO_ANSWER),
  };
  const set = { id: "set", stackId: "s", agentId: "a" };
  return resolveDesired(
    parseBundle(BUNDLE).manifests.map(preparedManifest),
    { discovery: discovery as Discovery, defaultNamespace: "n", set },
    new AbortController().signal,
  );
}

Deno.test("resolveDesired() refuses only the object of another server's API that fails or is silent, and knows its key", async () => {
  const statuses = [undefined, 500, 502, 503, 504];
  for (const status of statuses) {
    const failure = new Failure("kubernetes_unavailable", "Cannot discover it", { details: { status } });

    const { desired, refusals } = await resolve(failure, { isServerThere: true });

    assert.deepEqual(desired.map(({ place }) => place.name), ["a"]);
    assert.deepEqual(refusals.map(({ result, keys }) => [result.name, keys.length]), [["b", 2]]);
  }
});

Deno.test("resolveDesired() refuses no object where the API server itself is away", async () => {
  await assert.rejects(
    resolve(NO_ANSWER, { isServerThere: false }),
    (error) => isFailure(error, "kubernetes_unavailable"),
  );
});
