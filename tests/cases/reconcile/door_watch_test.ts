import assert from "node:assert/strict";
import type { WatchEvent } from "$lib/kubernetes.ts";
import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { CONFIG_MAP, openWorld } from "./world.ts";

const LABELS = { "case": "watch" };

Deno.test("a watch sees what happens after a list, and is counted when it opens", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const { namespace, hand } = world;
  const { kubernetes, counts } = await world.agent();
  const stopping = new AbortController();
  const selection = { namespace, labelSelector: "case", signal: stopping.signal };
  await hand.create(CONFIG_MAP, configMap("before", namespace));

  const { items, resourceVersion } = await kubernetes.listMetadata(CONFIG_MAP, selection);
  await hand.create(CONFIG_MAP, configMap("after", namespace));
  await hand.patch(CONFIG_MAP, { name: "after", namespace }, { data: { value: "2" } });
  await hand.remove(CONFIG_MAP, { name: "before", namespace });
  const events = kubernetes.watchMetadata(CONFIG_MAP, { ...selection, resourceVersion });
  const seen = await upTo(events, "bookmark");
  stopping.abort();

  assert.deepEqual(items.map(({ metadata }) => metadata.name), ["before"]);
  assert.deepEqual(seen, [
    "added ConfigMap after undefined",
    "modified ConfigMap after undefined",
    "deleted ConfigMap before undefined",
  ]);
  assert.deepEqual(counts(), { "list success": 1, "watch success": 1 });
});

Deno.test("a watch from a version that is forgotten is a refusal of status 410", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const { kubernetes } = await world.agent();
  const { signal } = new AbortController();
  const { resourceVersion } = await kubernetes.listMetadata(CONFIG_MAP, {});
  await world.hand.create(CONFIG_MAP, configMap("a", world.namespace));
  cluster.compact();

  const events = kubernetes.watchMetadata(CONFIG_MAP, { resourceVersion, signal });

  await assert.rejects(upTo(events, "bookmark"), { code: "kubernetes_rejected" });
});

Deno.test("an object named by the API server, a page of whole objects, and a JSON patch that tests first", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const { kubernetes } = await world.agent();
  const { name: _, ...metadata } = { ...configMap("x", world.namespace).metadata, generateName: "made-" };

  const made = await kubernetes.create(CONFIG_MAP, { ...configMap("x", world.namespace), metadata });
  const place = { resource: CONFIG_MAP, namespace: world.namespace, name: made.metadata.name };
  const { resourceVersion } = made.metadata;
  const operations = (version: unknown) => [
    { op: "test", path: "/metadata/resourceVersion", value: version },
    { op: "replace", path: "/data/value", value: "2" },
  ];
  await kubernetes.patch(place, operations(resourceVersion), { type: "json" });
  await assert.rejects(kubernetes.patch(place, operations(resourceVersion), { type: "json" }), {
    code: "kubernetes_rejected",
  });
  const [listed] = await kubernetes.list(CONFIG_MAP, { namespace: world.namespace, labelSelector: "case", limit: 1 });

  assert.match(made.metadata.name, /^made-/);
  assert.deepEqual([listed?.kind, listed?.data], ["ConfigMap", { value: "2" }]);
});

function configMap(name: string, namespace: string) {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, labels: LABELS },
    data: { value: "1" },
  };
}

/** The events before the first of a kind. */
async function upTo(events: AsyncIterable<WatchEvent>, last: WatchEvent["type"]): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const { type, object } of events) {
    if (type === last) break;
    seen.push(`${type} ${object.kind} ${object.metadata.name} ${object.data}`);
  }
  return seen;
}
