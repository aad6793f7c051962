import assert from "node:assert/strict";
import { apply, ask, jsonPatch } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps } from "./samples.ts";

const REJECTED = "the server rejected our request due to an error in our request";

/** JSON patches: all or nothing, held to a state by `test`, and the way to write who owns what. */
export const jsonPatchCases: readonly ClusterCase[] = [
  inNamespace("a JSON patch whose test holds is laid on; one whose test fails is 422", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { a: "1" }));
    const replaceIf = (value: string) => [
      { op: "replace", path: "/data/a", value: "2" },
      { op: "test", path: "/data/a", value },
    ];

    const failed = await jsonPatch(cluster, path, replaceIf("1"));
    const held = await jsonPatch(cluster, path, replaceIf("2"));

    assert.deepEqual([failed.status, failed.body.reason, failed.body.message], [422, "Invalid", REJECTED]);
    assert.deepEqual([held.status, held.body.data], [200, { a: "2" }]);
  }),
  inNamespace(
    "a JSON patch tests the resourceVersion with 422, and brings another one with 409",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      const { body } = await apply(cluster, path, configMap("one", { a: "1" }));
      const { resourceVersion } = body.metadata ?? {};
      const change = { op: "replace", path: "/data/a", value: "2" };
      const version = (op: string, value: unknown) => ({ op, path: "/metadata/resourceVersion", value });

      const tested = await jsonPatch(cluster, path, [version("test", "1"), change]);
      const brought = await jsonPatch(cluster, path, [version("replace", "1"), change]);
      const right = await jsonPatch(cluster, path, [version("replace", resourceVersion), change]);

      assert.deepEqual([tested.status, brought.status, right.status], [422, 409, 200]);
      assert.match(brought.body.message ?? "", /the object has been modified/);
    },
  ),
  inNamespace("a JSON patch of an absent path or object is refused whole", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { a: "1" }));
    const added = { op: "add", path: "/data/b", value: "2" };

    const removed = await jsonPatch(cluster, path, [added, { op: "remove", path: "/data/none" }]);
    const below = await jsonPatch(cluster, path, [added, { op: "add", path: "/none/x", value: "1" }]);
    const absent = await jsonPatch(cluster, configMaps(namespace, "none"), [added]);
    const live = await ask(cluster, "GET", path);

    assert.deepEqual([removed.status, below.status, absent.status], [422, 422, 404]);
    assert.deepEqual(live.body.data, { a: "1" });
  }),
  inNamespace(
    "a JSON patch of managedFields gives the fields of an update to an applier",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      await ask(cluster, "POST", `${configMaps(namespace)}?fieldManager=kubectl-create`, {
        body: configMap("one", { a: "1", legacy: "1" }),
      });
      const made = await apply(cluster, path, configMap("one", { a: "1" }));
      const fieldsV1 = { "f:data": { "f:a": {}, "f:legacy": {} } };
      const [mine] = made.body.metadata?.managedFields ?? [];

      const folded = await jsonPatch(cluster, path, [
        { op: "replace", path: "/metadata/managedFields", value: [{ ...mine, fieldsV1 }] },
        { op: "replace", path: "/metadata/resourceVersion", value: made.body.metadata?.resourceVersion },
      ]);
      const applied = await apply(cluster, path, configMap("one", { a: "1" }));

      assert.deepEqual(owners(folded.body.metadata), [["case", "Apply", fieldsV1]]);
      assert.deepEqual(applied.body.data, { a: "1" });
      assert.deepEqual(owners(applied.body.metadata), [["case", "Apply", { "f:data": { "f:a": {} } }]]);
    },
  ),
  inNamespace(
    "a patch to [{}] forgets all owners; the next apply finds before-first-apply",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      await apply(cluster, path, configMap("one", { a: "1" }));

      const emptied = await jsonPatch(cluster, path, [{ op: "replace", path: "/metadata/managedFields", value: [{}] }]);
      const untracked = await jsonPatch(cluster, path, [{ op: "add", path: "/data/b", value: "2" }]);
      const applied = await apply(cluster, path, configMap("one", { a: "1", c: "3" }));

      assert.deepEqual([emptied, untracked].map(({ body }) => body.metadata?.managedFields), [undefined, undefined]);
      assert.deepEqual(owners(applied.body.metadata), [
        ["case", "Apply", { "f:data": { "f:a": {}, "f:c": {} } }],
        ["before-first-apply", "Update", { "f:data": { ".": {}, "f:a": {}, "f:b": {} } }],
      ]);
    },
  ),
  inNamespace(
    "managedFields that are absent or unreadable in a patch or PUT stay as they were; an empty list forgets them",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      await apply(cluster, path, configMap("one", { a: "1" }));

      const removed = await jsonPatch(cluster, path, [{ op: "remove", path: "/metadata/managedFields" }]);
      const bad = [{ manager: "x", operation: "Nothing", apiVersion: "v1", fieldsType: "FieldsV1" }];
      const unread = await jsonPatch(cluster, path, [{ op: "replace", path: "/metadata/managedFields", value: bad }]);
      const put = await ask(cluster, "PUT", path, { body: configMap("one", { a: "1" }) });
      const emptied = await jsonPatch(cluster, path, [{ op: "replace", path: "/metadata/managedFields", value: [] }]);

      const entry = ["case", "Apply", { "f:data": { "f:a": {} } }];
      assert.deepEqual([removed, unread, put].map(({ body }) => owners(body.metadata)), [[entry], [entry], [entry]]);
      assert.equal(emptied.body.metadata?.managedFields, undefined);
    },
  ),
];

type Metadata = Awaited<ReturnType<typeof ask>>["body"]["metadata"];

function owners(metadata: Metadata): unknown[] | undefined {
  return metadata?.managedFields?.map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1]);
}
