import assert from "node:assert/strict";
import { apply, ask, type CaseCluster, listMetadata, type Seen, unique } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps } from "./samples.ts";

/** Lists: selectors, pages, metadata only. */
export const listCases: readonly ClusterCase[] = [
  inNamespace("a list has the kind once, and the revision at which it holds", async (cluster, namespace) => {
    await applyLabelled(cluster, namespace, { one: { set: "a" } });

    const { body } = await ask(cluster, "GET", configMaps(namespace));

    assert.deepEqual([body.kind, body.apiVersion], ["ConfigMapList", "v1"]);
    assert.match(body.metadata?.resourceVersion ?? "", /^\d+$/);
    assert.equal(body.items?.[0]?.kind, undefined);
  }),
  inNamespace("a label selector takes =, !=, in, notin, a name and its absence", async (cluster, namespace) => {
    await applyLabelled(cluster, namespace, { one: { set: "a", x: "1" }, two: { set: "a" }, three: { set: "b" } });
    const select = async (selector: string) => {
      const query = `labelSelector=${encodeURIComponent(`${selector},set`)}`;
      return namesOf((await ask(cluster, "GET", `${configMaps(namespace)}?${query}`)).body);
    };

    assert.deepEqual(await select("set=a"), ["one", "two"]);
    assert.deepEqual(await select("set==a,x=1"), ["one"]);
    assert.deepEqual(await select("set!=a"), ["three"]);
    assert.deepEqual(await select("set in (a,b),x"), ["one"]);
    assert.deepEqual(await select("set notin (a)"), ["three"]);
    assert.deepEqual(await select("!x"), ["three", "two"]);
  }),
  inNamespace("a field selector takes the name", async (cluster, namespace) => {
    await applyLabelled(cluster, namespace, { one: {}, two: {} });

    const { body } = await ask(cluster, "GET", `${configMaps(namespace)}?fieldSelector=metadata.name%3Dtwo`);

    assert.deepEqual(namesOf(body), ["two"]);
  }),
  inNamespace("a list of metadata only goes over all namespaces by label, page by page", async (cluster, namespace) => {
    const set = unique("set");
    const names = ["c1", "c2", "c3", "c4", "c5"];
    await applyLabelled(cluster, namespace, Object.fromEntries(names.map((name) => [name, { set }])));
    const path = `/api/v1/configmaps?labelSelector=set%3D${set}&limit=2`;

    const first = await listMetadata(cluster, path);
    const second = await listMetadata(cluster, `${path}&continue=${first.body.metadata?.continue}`);
    const third = await listMetadata(cluster, `${path}&continue=${second.body.metadata?.continue}`);

    assert.deepEqual([first.body.kind, first.body.apiVersion], ["PartialObjectMetadataList", "meta.k8s.io/v1"]);
    const [item] = first.body.items ?? [];
    assert.deepEqual([item?.kind, item?.data, item?.metadata?.namespace], [
      "PartialObjectMetadata",
      undefined,
      namespace,
    ]);
    assert.deepEqual([first, second, third].flatMap(({ body }) => namesOf(body)), names);
    assert.equal(third.body.metadata?.continue ?? "", "");
  }),
  inNamespace("pages after the first show the state of the first", async (cluster, namespace) => {
    const set = { set: "a" };
    await applyLabelled(cluster, namespace, { c1: set, c2: set, c3: set });
    const path = `${configMaps(namespace)}?labelSelector=set%3Da&limit=1`;

    const first = await ask(cluster, "GET", path);
    await ask(cluster, "DELETE", configMaps(namespace, "c3"));
    const second = await ask(cluster, "GET", `${path}&limit=9&continue=${first.body.metadata?.continue}`);

    assert.equal(second.status, 200);
    assert.equal(second.body.metadata?.resourceVersion, first.body.metadata?.resourceVersion);
  }),
  inNamespace("an empty list of metadata has null for its items", async (cluster, namespace) => {
    const path = `${configMaps(namespace)}?labelSelector=none`;

    const [metadata, whole] = [await listMetadata(cluster, path), await ask(cluster, "GET", path)];

    assert.deepEqual([metadata.body.items, whole.body.items], [null, []]);
  }),
  inNamespace(
    "a list at version 0 comes whole, whatever its limit; a continued one takes no version",
    async (cluster, namespace) => {
      await applyLabelled(cluster, namespace, { c1: { set: "a" }, c2: { set: "a" }, c3: { set: "a" } });
      const path = `${configMaps(namespace)}?labelSelector=set&limit=2`;

      const paged = await listMetadata(cluster, path);
      const whole = await listMetadata(cluster, `${path}&resourceVersion=0`);
      const both = await listMetadata(cluster, `${path}&resourceVersion=5&continue=${paged.body.metadata?.continue}`);
      const future = await listMetadata(cluster, `${path}&resourceVersion=99999999&resourceVersionMatch=NotOlderThan`);

      assert.deepEqual([paged, whole].map(({ body }) => body.items?.length), [2, 3]);
      assert.deepEqual([both.status, future.status, future.body.details?.causes?.[0]?.reason], [
        400,
        504,
        "ResourceVersionTooLarge",
      ]);
    },
  ),
  inNamespace("a malformed continue token is refused", async (cluster, namespace) => {
    const { status } = await ask(cluster, "GET", `${configMaps(namespace)}?limit=1&continue=nonsense`);

    assert.equal(status, 400);
  }),
  inNamespace("one object comes as metadata only, when asked so", async (cluster, namespace) => {
    await applyLabelled(cluster, namespace, { one: { set: "a" } });
    const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

    const { body } = await ask(cluster, "GET", configMaps(namespace, "one"), { accept });

    assert.deepEqual([body.kind, body.metadata?.labels, body.data], ["PartialObjectMetadata", { set: "a" }, undefined]);
  }),
];

async function applyLabelled(
  cluster: CaseCluster,
  namespace: string,
  objects: Record<string, Record<string, string>>,
): Promise<void> {
  for (const [name, labels] of Object.entries(objects)) {
    await apply(cluster, configMaps(namespace, name), configMap(name, { a: "1" }, { labels }));
  }
}

/** The names of a list, in its order, without what Kubernetes puts into each namespace. */
function namesOf(list: Seen): (string | undefined)[] {
  const names = list.items?.map((item) => item.metadata?.name) ?? [];
  return names.filter((name) => name !== "kube-root-ca.crt");
}
