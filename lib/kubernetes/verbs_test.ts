import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { NamedRequest } from "./sender.ts";
import { kubernetesVerbs } from "./verbs.ts";

function noStream(): never {
  throw new Error("nothing is watched here");
}

const SECRET = { apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true, verbs: [] };

Deno.test("an answer that is not JSON is named by its status, and nothing of it is repeated", async () => {
  const text = '{"data":hunter2}';
  const { get } = kubernetesVerbs(() => Promise.resolve({ status: 200, headers: {}, text }), noStream);

  const failure: Failure = await get({ resource: SECRET, name: "s" }).then(() => assert.fail("it is read"), (e) => e);

  assert.equal(failure.message, "Cannot read the API server's answer of status 200: it is not JSON");
  assert.equal(failure.cause, undefined);
});

for (
  const [what, reason, message, isUndefined] of [
    ["an object that is not there", "NotFound", 'secrets "s" not found', true],
    ["a path that the API server does not know", "", "the API server answered with status 404", false],
    ["a path that a group does not have", "NotFound", "the server could not find the requested resource", false],
  ] as const
) {
  Deno.test(`get(), patch() and delete() of ${what} ${isUndefined ? "find none" : "fail"}`, async () => {
    const refusal = new Failure("kubernetes_rejected", "Cannot", { details: { status: 404, reason, message } });
    const { get, patch, delete: remove } = kubernetesVerbs(() => Promise.reject(refusal), noStream);
    const place = { resource: SECRET, name: "s" };

    const answers = [get(place), patch(place, {}), remove(place, { uid: "u" })];

    const ended = await Promise.all(answers.map((answer) => answer.catch((error) => error)));
    assert.deepEqual(ended, isUndefined ? [undefined, undefined, "gone"] : [refusal, refusal, refusal]);
  });
}

const EXPIRED = new Failure("kubernetes_rejected", "Cannot list secrets: too old", {
  details: { status: 410, reason: "Expired", message: "too old" },
});

/** Lists over an API server that answers so, page by page; the queries it is asked with, without what never differs. */
function listing(...answers: readonly (Failure | { readonly names: readonly string[]; readonly next?: string })[]) {
  const [asked, left] = [[] as string[], [...answers]];
  const { listMetadata } = kubernetesVerbs(({ path }) => {
    asked.push(new URLSearchParams(path.split("?")[1]).get("continue") ?? "");
    const answer = left.shift();
    if (answer === undefined) assert.fail("it is asked once more");
    if (answer instanceof Failure) return Promise.reject(answer);
    const items = answer.names.map((name) => ({ metadata: { name } }));
    const text = JSON.stringify({ metadata: { continue: answer.next ?? "", resourceVersion: "7" }, items });
    return Promise.resolve({ status: 200, headers: {}, text });
  }, noStream);
  return { asked, list: listMetadata(SECRET, {}) };
}

Deno.test("a list that expires between two pages begins anew, once", async () => {
  const { asked, list } = listing(
    { names: ["a", "b"], next: "old" },
    EXPIRED,
    { names: ["b", "c"], next: "new" },
    { names: ["d"] },
  );

  const { items, resourceVersion } = await list;
  assert.equal(resourceVersion, "7");
  assert.deepEqual(items.map(({ metadata }) => metadata.name), ["b", "c", "d"]);
  assert.deepEqual(asked, ["", "old", "", "new"]);
});

Deno.test("a list that expires again fails", async () => {
  const page = { names: ["a"], next: "old" };

  await assert.rejects(listing(page, EXPIRED, page, EXPIRED).list, EXPIRED);
});

/** Verbs over an API server that answers everything so, with what it was asked. */
function answering(text: string, status = 200) {
  const asked: NamedRequest[] = [];
  const verbs = kubernetesVerbs((request) => {
    asked.push(request);
    return Promise.resolve({ status, headers: {}, text });
  }, noStream);
  return { asked, verbs };
}

const PODS = {
  apiVersion: "metrics.k8s.io/v1beta1",
  kind: "PodMetrics",
  resource: "pods",
  namespaced: true,
  verbs: [],
};

Deno.test("list() asks for one page, and gives each object the type that the API server does not repeat", async () => {
  const page = { metadata: { continue: "more" }, items: [{ metadata: { name: "a" }, usage: 1 }] };
  const { asked, verbs } = answering(JSON.stringify(page));

  const objects = await verbs.list(PODS, { namespace: "n", labelSelector: "a=b", limit: 50 });

  const { apiVersion, kind } = PODS;
  assert.deepEqual(objects, [{ apiVersion, kind, metadata: { name: "a" }, usage: 1 }]);
  assert.deepEqual(asked.map(({ path, what }) => [path, what]), [[
    "/apis/metrics.k8s.io/v1beta1/namespaces/n/pods?labelSelector=a%3Db&limit=50",
    "list pods.metrics.k8s.io/v1beta1",
  ]]);
});

Deno.test("patch() says whether it is about one version of the object alone", async () => {
  const { asked, verbs } = answering("{}");
  const place = { resource: PODS, namespace: "n", name: "a" };

  for (const metadata of [{ uid: "u" }, { uid: "u", resourceVersion: "7" }]) await verbs.patch(place, { metadata });

  assert.deepEqual(asked.map(({ isConditional }) => isConditional), [false, true]);
});

Deno.test("listMetadata() keeps what each manager is, and the fields of ours alone", async () => {
  const managedFields = [
    { manager: "brokkr-controller", operation: "Apply", fieldsV1: { "f:data": {} } },
    { manager: "kubectl", operation: "Update", apiVersion: "v1", time: "t", fieldsV1: { "f:data": {} } },
  ];
  const { verbs } = answering(JSON.stringify({ metadata: {}, items: [{ metadata: { name: "a", managedFields } }] }));

  const { items: [object] } = await verbs.listMetadata(SECRET, {});

  assert.deepEqual(object?.metadata.managedFields, [
    managedFields[0],
    { manager: "kubectl", operation: "Update", apiVersion: "v1", time: "t" },
  ]);
});

Deno.test("listMetadata() keeps of each page what is picked, before it asks for the next", async () => {
  const seen: string[] = [];
  const verbs = kubernetesVerbs(({ path }) => {
    const isFirst = !path.includes("continue=");
    seen.push(isFirst ? "first page" : "second page");
    const metadata = { continue: isFirst ? "more" : "", resourceVersion: "7" };
    return Promise.resolve({ status: 200, headers: {}, text: JSON.stringify({ metadata, items: [{ metadata: {} }] }) });
  }, noStream);

  const { items, resourceVersion } = await verbs.listMetadata(SECRET, { pick: ({ kind }) => seen.push(kind) });

  assert.deepEqual(seen, ["first page", "Secret", "second page", "Secret"]);
  assert.deepEqual([items, resourceVersion], [[2, 4], "7"]);
});

Deno.test("create() as a dry run keeps nothing and is called what it is", async () => {
  const { asked, verbs } = answering('{"kind":"Pod","metadata":{"name":"a-x1"}}', 201);

  const object = { apiVersion: "v1", kind: "Secret", metadata: { generateName: "a-", namespace: "n" } };
  await verbs.create(SECRET, object, { dryRun: true });
  await verbs.create(SECRET, object);

  assert.deepEqual(asked.map(({ operation, path, what }) => [operation, path, what]), [
    ["dry_run", "/api/v1/namespaces/n/secrets?dryRun=All", 'apply Secret "a-…" in namespace "n"'],
    ["create", "/api/v1/namespaces/n/secrets", 'create Secret "a-…" in namespace "n"'],
  ]);
});

Deno.test("apply() answers the whole object, and takes over no field when it is told not to", async () => {
  const text = '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"big":9007199254740993}';
  const { asked, verbs } = answering(text, 201);

  const place = { resource: SECRET, name: "s" };
  const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
  const applied = await verbs.apply(place, object, { force: false });
  await verbs.apply(place, object, { dryRun: true });

  assert.deepEqual([JSON.stringify(applied.object), applied.isCreated], [text, true]);
  assert.deepEqual(asked.map(({ operation, path }) => [operation, path]), [
    ["apply", "/api/v1/secrets/s?fieldManager=brokkr-controller&force=false&fieldValidation=Ignore"],
    ["dry_run", "/api/v1/secrets/s?fieldManager=brokkr-controller&force=true&dryRun=All&fieldValidation=Ignore"],
  ]);
});

Deno.test("apply() reads the object of its answer when somebody looks at it, and says then that it can't be read", async () => {
  const { verbs } = answering("no JSON", 201);
  const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };

  const applied = await verbs.apply({ resource: SECRET, name: "s" }, object, { dryRun: true });

  assert.equal(applied.isCreated, true);
  assert.throws(() => applied.object, { code: "kubernetes_unavailable" });
});

Deno.test("patch() says which kind of patch it brings, and delete() what the object must be", async () => {
  const { asked, verbs } = answering('{"kind":"Status"}');

  const place = { resource: SECRET, name: "s" };
  await verbs.patch(place, { a: null });
  await verbs.patch(place, [{ op: "test", path: "/a", value: 1 }], { type: "json" });
  await verbs.delete(place, { uid: "u", resourceVersion: "7" });

  assert.deepEqual(asked.map(({ headers, body }) => [headers["content-type"], body]).slice(0, 2), [
    ["application/merge-patch+json", '{"a":null}'],
    ["application/json-patch+json", '[{"op":"test","path":"/a","value":1}]'],
  ]);
  assert.deepEqual(JSON.parse(asked[2]?.body ?? "").preconditions, { uid: "u", resourceVersion: "7" });
});
