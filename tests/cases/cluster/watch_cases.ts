import assert from "node:assert/strict";
import { apply, ask, type CaseCluster, patch, type Seen } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps } from "./samples.ts";

const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/** Watches: one JSON event a line. */
export const watchCases: readonly ClusterCase[] = [
  inNamespace("a watch from a revision sees what came after it", async (cluster, namespace) => {
    const { body } = await ask(cluster, "GET", configMaps(namespace));
    const path = configMaps(namespace, "one");
    const labels = { set: "a" };
    await apply(cluster, path, configMap("one", { a: "1" }, { labels }));
    await apply(cluster, path, configMap("one", { a: "2" }, { labels }));
    await ask(cluster, "DELETE", path);

    const query = `resourceVersion=${body.metadata?.resourceVersion}&labelSelector=set%3Da`;
    const events = await watch(cluster, `${configMaps(namespace)}?watch=true&${query}`, 3);

    assert.deepEqual(events.map(({ type, object }) => [type, object.data?.a]), [
      ["ADDED", "1"],
      ["MODIFIED", "2"],
      ["DELETED", "2"],
    ]);
  }),
  inNamespace("a watch without a revision starts with what is there", async (cluster, namespace) => {
    await apply(cluster, configMaps(namespace, "one"), configMap("one", {}, { labels: { set: "a" } }));

    const events = await watch(cluster, `${configMaps(namespace)}?watch=true&labelSelector=set%3Da`, 1);

    assert.deepEqual(events.map(({ type, object }) => [type, object.metadata?.name]), [["ADDED", "one"]]);
  }),
  inNamespace("an object that leaves the selection is deleted for its watch", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const made = await apply(cluster, path, configMap("one", {}, { labels: { set: "a" } }));
    await patch(cluster, path, { metadata: { labels: { set: "b" } } });

    const query = `resourceVersion=${made.body.metadata?.resourceVersion}&labelSelector=set%3Da`;
    const events = await watch(cluster, `${configMaps(namespace)}?watch=true&${query}`, 1);

    assert.deepEqual(events.map(({ type }) => type), ["DELETED"]);
  }),
  inNamespace(
    "a watch of metadata by the existence of a label sees objects come and go with it",
    async (cluster, namespace) => {
      const { body } = await ask(cluster, "GET", configMaps(namespace));
      const path = configMaps(namespace, "one");
      const label = (part: string | null) => patch(cluster, path, { metadata: { labels: { part } } });
      await apply(cluster, path, configMap("one", { a: "1" }));
      for (const part of ["x", "y", null, "z"]) await label(part);
      const gone = await ask(cluster, "DELETE", path);

      const query = `watch=true&labelSelector=part&resourceVersion=${body.metadata?.resourceVersion}`;
      const events = await watch(cluster, `${configMaps(namespace)}?${query}`, 5, METADATA_ONLY);

      assert.equal(gone.status, 200);
      assert.deepEqual(events.map(({ type, object }) => [type, object.metadata?.labels?.part]), [
        ["ADDED", "x"],
        ["MODIFIED", "y"],
        ["DELETED", "y"],
        ["ADDED", "z"],
        ["DELETED", "z"],
      ]);
      const [first] = events;
      assert.deepEqual([first?.object.kind, first?.object.data], ["PartialObjectMetadata", undefined]);
      const versions = events.map(({ object }) => Number(object.metadata?.resourceVersion));
      assert.deepEqual(versions, versions.toSorted((a, b) => a - b));
    },
  ),
  inNamespace(
    "a watch from a version that is no number is 500, from one to come it waits",
    async (cluster, namespace) => {
      const bad = await ask(cluster, "GET", `${configMaps(namespace)}?watch=true&resourceVersion=abc`);
      const future = await cluster.fetch(
        `${configMaps(namespace)}?watch=true&resourceVersion=99999999&timeoutSeconds=1`,
      );

      assert.deepEqual([bad.status, future.status, await future.text()], [500, 200, ""]);
    },
  ),
  inNamespace("a watch with initial events marks their end with a bookmark", async (cluster, namespace) => {
    await apply(cluster, configMaps(namespace, "one"), configMap("one", {}, { labels: { set: "a" } }));
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";

    const events = await watch(cluster, `${configMaps(namespace)}?watch=true&labelSelector=set%3Da&${query}`, 2);

    assert.deepEqual(events.map(({ type }) => type), ["ADDED", "BOOKMARK"]);
    assert.deepEqual(events[1]?.object.metadata?.annotations, { "k8s.io/initial-events-end": "true" });
  }),
  inNamespace("a watch ends after its timeoutSeconds", async (cluster, namespace) => {
    const response = await cluster.fetch(`${configMaps(namespace)}?watch=true&timeoutSeconds=1`);

    await response.text();

    assert.equal(response.status, 200);
  }),
];

interface WatchEvent {
  readonly type: string;
  readonly object: Seen;
}

/** Reads so many events, then hangs up. */
async function watch(
  cluster: CaseCluster,
  path: string,
  count: number,
  accept = "application/json",
): Promise<WatchEvent[]> {
  const ending = new AbortController();
  const timeout = setTimeout(() => ending.abort(), 120_000);
  const response = await cluster.fetch(path, { signal: ending.signal, headers: { accept } });
  const events: WatchEvent[] = [];
  let rest = "";
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    events.push(...lines.map((line): WatchEvent => JSON.parse(line)));
    if (events.length >= count) break;
  }
  clearTimeout(timeout);
  return events.slice(0, count);
}
