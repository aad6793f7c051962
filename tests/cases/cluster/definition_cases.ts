import assert from "node:assert/strict";
import {
  type Answer,
  apply,
  ask,
  type CaseCluster,
  eventually,
  jsonPatch,
  patch,
  trueConditions,
  unique,
} from "./ask.ts";
import { waitFor } from "../../run/wait.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { DEFINITIONS } from "./samples.ts";

/** Definitions with several versions: what each one shows, and what applies of another version run into. */
export const definitionCases: readonly ClusterCase[] = [
  withGroup("a version shows the fields that it knows, and keeps no others", async ({ cluster, group, path }) => {
    await define(cluster, group, [version("v1", { a: STRING }), version("v1beta1", { a: STRING, b: STRING }, OLD)]);
    await apply(cluster, path("v1beta1"), thing(group, "v1beta1", { a: "1", b: "2" }));

    const old = await ask(cluster, "GET", path("v1beta1"));
    const current = await ask(cluster, "GET", path("v1"));

    assert.deepEqual([old.body.spec, current.body.spec], [{ a: "1" }, { a: "1" }]);
    assert.deepEqual([old.body.apiVersion, current.body.apiVersion], [`${group}/v1beta1`, `${group}/v1`]);
    assert.equal(old.body.metadata?.uid, current.body.metadata?.uid);
  }),
  withGroup("an unknown field is dropped by POST and patch, refused by apply", async ({ cluster, group, path }) => {
    await define(cluster, group, [version("v1", { a: STRING })]);
    const collection = path("v1").replace(/\/one$/, "");

    const posted = await ask(cluster, "POST", collection, { body: thing(group, "v1", { a: "1", no: "1" }) });
    const patched = await patch(cluster, path("v1"), { spec: { no: "2" } });
    const applied = await apply(cluster, path("v1"), thing(group, "v1", { a: "1", no: "1" }), "force=true");

    assert.deepEqual([posted.body.spec, patched.body.spec], [{ a: "1" }, { a: "1" }]);
    assert.equal(applied.status, 500);
    assert.match(applied.body.message ?? "", /^failed to create typed patch object .*: \.spec\.no: field not declared/);
  }),
  withGroup("lists of custom resources are owned as their schema says", async ({ cluster, group, path }) => {
    const item = { type: "object", required: ["n"], properties: { n: STRING, v: STRING } };
    const keyed = { type: "array", items: item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"] };
    const set = { type: "array", items: STRING, "x-kubernetes-list-type": "set" };
    await define(cluster, group, [version("v1", { keyed, set, whole: { type: "array", items: STRING } })]);
    const spec = { keyed: [{ n: "a", v: "1" }], set: ["x"], whole: ["w"] };
    await apply(cluster, path("v1"), thing(group, "v1", spec));
    await apply(cluster, path("v1"), thing(group, "v1", { keyed: [{ n: "b" }], set: ["y"] }), "fieldManager=other");

    const { body } = await apply(cluster, path("v1"), thing(group, "v1", { set: ["x"] }));

    assert.deepEqual(body.spec, { keyed: [{ n: "b" }], set: ["x", "y"] });
    assert.deepEqual(ownersOf(body)["other"], {
      "f:spec": { "f:keyed": { 'k:{"n":"b"}': { ".": {}, "f:n": {} } }, "f:set": { 'v:"y"': {} } },
    });
  }),
  withGroup(
    "an apply in a version with a new field fails over the entry of the old one",
    async ({ cluster, group, path }) => {
      await define(cluster, group, [version("v1alpha1", { a: STRING, c: STRING })]);
      await apply(cluster, path("v1alpha1"), thing(group, "v1alpha1", { a: "1" }));
      await define(cluster, group, [
        version("v1alpha1", { a: STRING, c: STRING }, OLD),
        version("v1", { a: STRING, b: STRING }),
      ]);

      const refused = await applyOnceServed(cluster, path("v1"), thing(group, "v1", { a: "1", b: "2" }));
      const dropped = await jsonPatch(cluster, path("v1"), [{ op: "remove", path: "/metadata/managedFields/0" }]);
      const emptied = await jsonPatch(cluster, path("v1"), [{
        op: "replace",
        path: "/metadata/managedFields",
        value: [{}],
      }]);
      const applied = await apply(cluster, path("v1"), thing(group, "v1", { a: "1", b: "2" }));

      assert.deepEqual([refused.status, refused.body.reason], [500, undefined]);
      assert.equal(
        refused.body.message,
        "failed to prune fields: failed to convert merged object to last applied version: .spec.b: field not declared in schema",
      );
      assert.deepEqual(ownersOf(dropped.body)["case"], { "f:spec": { "f:a": {} } });
      assert.deepEqual([emptied.status, applied.status, applied.body.spec], [200, 200, { a: "1", b: "2" }]);
    },
  ),
  withGroup("an apply fails over the entry of a version that is no more", async ({ cluster, group, path }) => {
    await define(cluster, group, [version("v1beta1", { a: STRING }, OLD), version("v1", { a: STRING })]);
    await apply(cluster, path("v1beta1"), thing(group, "v1beta1", { a: "1" }));
    await define(cluster, group, [version("v1", { a: STRING })]);
    await eventually(cluster, path("v1beta1"), ({ status }) => status === 404);

    const refused = await apply(cluster, path("v1"), thing(group, "v1", { a: "2" }), "force=true");
    const byHand = await patch(cluster, path("v1"), { spec: { a: "3" } });

    assert.equal(refused.status, 500);
    assert.equal(refused.body.message, `request to convert CR to an invalid group/version: ${group}/v1beta1`);
    assert.deepEqual([byHand.status, byHand.body.metadata?.managedFields], [200, undefined]);
  }),
  withGroup(
    "a version that is not served has no path and is not discovered, its objects stay",
    async ({ cluster, group, path }) => {
      await define(cluster, group, [version("v1beta1", { a: STRING }, OLD), version("v1", { a: STRING })]);
      await apply(cluster, path("v1beta1"), thing(group, "v1beta1", { a: "1" }));
      const unserved = { ...version("v1beta1", { a: STRING }, OLD), served: false };
      await define(cluster, group, [unserved, version("v1", { a: STRING })]);
      await eventually(cluster, path("v1beta1"), ({ status }) => status === 404);

      const discovered = await eventually(cluster, `/apis/${group}`, ({ text }) => !text.includes("v1beta1"));
      const list = await ask(cluster, "GET", `/apis/${group}/v1beta1`);
      const deleted = await ask(cluster, "DELETE", path("v1beta1"));
      const live = await ask(cluster, "GET", path("v1"));

      assert.match(discovered.text, new RegExp(`"preferredVersion":\\{"groupVersion":"${group}/v1"`));
      assert.deepEqual([list.status, deleted.status, deleted.body.details], [404, 404, undefined]);
      assert.deepEqual([live.status, live.body.spec], [200, { a: "1" }]);
    },
  ),
  withGroup(
    "names that another definition of the group has are not accepted until they are free",
    async ({ cluster, group, path }) => {
      await define(cluster, group, [version("v1", {})]);
      const other = definition(group, [version("v1", {})]);
      const names = { plural: "others", singular: "other", kind: "Thing" };
      const theirs = `${DEFINITIONS}/others.${group}`;
      await apply(cluster, theirs, { ...other, metadata: { name: `others.${group}` }, spec: { ...other.spec, names } });

      const refused = await eventually(cluster, theirs, ({ body }) => conditionOf(body, "NamesAccepted") !== undefined);
      const list = await ask(cluster, "GET", path("v1").replace("/things/one", "/others"));
      await ask(cluster, "DELETE", `${DEFINITIONS}/things.${group}`);
      const accepted = await eventually(cluster, theirs, ({ body }) => trueConditions(body).includes("Established"));
      await ask(cluster, "DELETE", theirs);

      const { status, reason, message } = conditionOf(refused.body, "NamesAccepted") ?? {};
      assert.deepEqual([status, reason], ["False", "ListKindConflict"]);
      assert.equal(message, '"ThingList" is already in use');
      assert.equal(conditionOf(refused.body, "Established")?.reason, "NotAccepted");
      assert.equal(list.status, 404);
      assert.equal(conditionOf(accepted.body, "NamesAccepted")?.status, "True");
    },
  ),
  withGroup("a version in which objects were kept can't be taken out", async ({ cluster, group }) => {
    await define(cluster, group, [version("v1beta1", { a: STRING })]);

    const { status, body } = await apply(
      cluster,
      `${DEFINITIONS}/things.${group}`,
      definition(group, [version("v1", {})]),
    );

    assert.deepEqual([status, body.details?.causes?.[0]?.field], [422, "status.storedVersions[0]"]);
    assert.match(body.message ?? "", /missing from spec\.versions; v1beta1 was previously a storage version/);
  }),
  withGroup(
    "a definition waits until its objects, which a finalizer keeps, are gone",
    async ({ cluster, group, path }) => {
      await define(cluster, group, [version("v1", { a: STRING })]);
      const kept = { ...thing(group, "v1", {}), metadata: { name: "one", finalizers: ["example.com/wait"] } };
      await apply(cluster, path("v1"), kept);

      const deleted = await ask(cluster, "DELETE", `${DEFINITIONS}/things.${group}`);
      const waiting = await eventually(
        cluster,
        path("v1"),
        ({ body }) => body.metadata?.deletionTimestamp !== undefined,
      );
      await patch(cluster, path("v1"), { metadata: { finalizers: null } });
      await eventually(cluster, `${DEFINITIONS}/things.${group}`, ({ status }) => status === 404);

      assert.deepEqual(deleted.body.metadata?.finalizers, ["customresourcecleanup.apiextensions.k8s.io"]);
      assert.equal(waiting.status, 200);
    },
  ),
];

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function conditionOf({ status }: Answer["body"], type: string): Condition | undefined {
  const { conditions } = status as { readonly conditions?: readonly Condition[] } | undefined ?? {};
  return conditions?.find((one) => one.type === type);
}

const STRING = { type: "string" };

const OLD = { storage: false };

interface Defined {
  readonly cluster: CaseCluster;
  readonly group: string;
  /** The path of the one object in a version. */
  path(version: string): string;
}

/** A case with a group of its own, whose definition goes after it. */
function withGroup(name: string, run: (defined: Defined) => Promise<void>): ClusterCase {
  return inNamespace(name, async (cluster, namespace) => {
    const group = `${unique("case")}.example.com`;
    const path = (version: string) => `/apis/${group}/${version}/namespaces/${namespace}/things/one`;
    try {
      await run({ cluster, group, path });
    } finally {
      await ask(cluster, "DELETE", `${DEFINITIONS}/things.${group}`);
    }
  });
}

function version(name: string, properties: Record<string, unknown>, more: { storage?: boolean } = {}) {
  const openAPIV3Schema = { type: "object", properties: { spec: { type: "object", properties } } };
  return { name, served: true, storage: true, schema: { openAPIV3Schema }, ...more };
}

function definition(group: string, versions: unknown[]) {
  const names = { plural: "things", singular: "thing", kind: "Thing" };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `things.${group}` },
    spec: { group, scope: "Namespaced", names, versions },
  };
}

/** Applies the definition, and waits until the versions that it serves are. */
async function define(cluster: CaseCluster, group: string, versions: ReturnType<typeof version>[]): Promise<void> {
  const path = `${DEFINITIONS}/things.${group}`;
  const applied = await apply(cluster, path, definition(group, versions));
  assert.ok(applied.status < 300, applied.text);
  await eventually(cluster, path, ({ body }) => trueConditions(body).includes("Established"));
  for (const { name } of versions.filter(({ served }) => served)) {
    await eventually(cluster, `/apis/${group}/${name}/things`, ({ status }) => status === 200);
  }
}

function thing(group: string, version: string, spec: Record<string, unknown>) {
  return { apiVersion: `${group}/${version}`, kind: "Thing", metadata: { name: "one" }, spec };
}

/** The real server takes a moment to serve the new schema: until then the field is unknown. */
async function applyOnceServed(cluster: CaseCluster, path: string, body: unknown): Promise<Answer> {
  return await waitFor(async () => {
    const answer = await apply(cluster, path, body);
    return /typed patch object|could not find/.test(answer.body.message ?? "") ? undefined : answer;
  }, { what: `see the schema of ${path} served` });
}

/** What each manager owns, by its name. */
function ownersOf({ metadata }: Answer["body"]): Record<string, unknown> {
  return Object.fromEntries(metadata?.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1]) ?? []);
}
