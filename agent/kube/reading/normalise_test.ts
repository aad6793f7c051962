import assert from "node:assert/strict";
import { parseBundle } from "$lib/bundle.ts";
import { normalise } from "./normalise.ts";

function object(rest: Record<string, unknown>, metadata: Record<string, unknown> = {}): Record<string, unknown> {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", ...metadata }, ...rest };
}

Deno.test("normalise() leaves out what the API server fills in, our marks, and what is null in metadata", () => {
  const { object: normal, warnings } = normalise(object({ status: { replicas: 1 }, data: { k: "v" } }, {
    ...{
      uid: "u",
      resourceVersion: "1",
      generation: 2,
      creationTimestamp: null,
      deletionTimestamp: "now",
      selfLink: "/x",
    },
    ...{ managedFields: [{}], namespace: null, finalizers: null, deletionGracePeriodSeconds: 30 },
    labels: { "applyset.kubernetes.io/part-of": "x", app: "a" },
    annotations: {
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "deployment.kubernetes.io/revision": "3",
      "k8s.brokkr.io/stack": "s",
      "brokkr.io/owner-id": "o",
      "brokkr.io/manifest-checksum": "c",
      "brokkr.io/adopted": "true",
      "brokkr.io/prune": "disabled",
    },
  }));

  assert.deepEqual(
    normal,
    object({ data: { k: "v" } }, {
      labels: { app: "a" },
      annotations: { "brokkr.io/prune": "disabled" },
    }),
  );
  assert.deepEqual(warnings, []);
});

Deno.test("normalise() leaves out annotations and labels of which nothing is left, and keeps those that were empty", () => {
  const marks = { labels: { "applyset.kubernetes.io/part-of": "x" }, annotations: { "brokkr.io/owner-id": "o" } };

  assert.deepEqual(normalise(object({}, marks)).object, object({}));
  assert.deepEqual(normalise(object({}, { labels: {}, namespace: "" })).object, object({}, { labels: {} }));
});

Deno.test("normalise() leaves out owners, and warns of it", () => {
  const { object: normal, warnings } = normalise(object({}, { ownerReferences: [{ uid: "u" }] }));

  assert.deepEqual([normal, warnings.length], [object({}), 1]);
  assert.deepEqual(normalise(object({}, { ownerReferences: [] })), { object: object({}), warnings: [] });
});

Deno.test("normalise() leaves out the empty creation time of templates, and keeps the rest of them as it is", () => {
  const spec = { template: { metadata: { creationTimestamp: null, labels: { a: "b" } }, spec: { x: [null, 1] } } };
  const claims = [{ metadata: { name: "c", creationTimestamp: null } }, { metadata: { name: "d" } }];

  const { object: normal } = normalise(object({ spec: { ...spec, claims } }));

  assert.deepEqual(normal.spec, {
    template: { metadata: { labels: { a: "b" } }, spec: { x: [null, 1] } },
    claims: [{ metadata: { name: "c" } }, { metadata: { name: "d" } }],
  });
});

Deno.test("normalise() leaves out the null of what an API server fills in of a list's key", () => {
  const ports = [{ port: 80, protocol: null, nodePort: null }, { port: 81, protocol: "UDP" }];

  assert.deepEqual(normalise(object({ apiVersion: "example.org/v1", spec: { ports } })).object.spec, {
    ports: [{ port: 80, nodePort: null }, { port: 81, protocol: "UDP" }],
  });
});

Deno.test("normalise() takes a field that is null for none, but in maps with keys of anybody's and in custom types", () => {
  const spec = { replicas: null, list: [null, { a: null, b: [] }], selector: { a: null }, limits: { cpu: null } };

  const { object: normal } = normalise(object({ data: { a: null }, binaryData: null, spec }));
  const custom = object({ apiVersion: "example.org/v1", spec });
  const definition = object({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", spec });

  assert.deepEqual(
    normal,
    object({ data: { a: null }, spec: { list: [null, { b: [] }], selector: { a: null }, limits: { cpu: null } } }),
  );
  for (const one of [custom, definition]) assert.deepEqual(normalise(one).object, one);
});

Deno.test("normalise() leaves out that a claim and a volume were bound, and keeps which they are to be bound to", () => {
  const annotations = { "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes" };
  const claim = object({ kind: "PersistentVolumeClaim", spec: { volumeName: "v" } }, { annotations });
  const claimRef = { kind: "PersistentVolumeClaim", namespace: "n", name: "c" };
  const volume = (more: unknown) => ({
    kind: "PersistentVolume",
    spec: { claimRef: { ...claimRef, ...more as object } },
  });

  const bound = object(volume({ uid: "u", resourceVersion: "1" }), { annotations: { ...annotations, a: "b" } });

  assert.deepEqual(normalise(claim).object.spec, { volumeName: "v" });
  assert.deepEqual(normalise(claim).object.metadata, { name: "a", annotations: {} });
  assert.deepEqual(normalise(bound).object, object(volume({}), { annotations: { a: "b" } }));
});

Deno.test("normalise() makes data of a Secret's stringData, which has the last word", () => {
  const secret = { kind: "Secret", data: { a: "AA==", b: "AA==" }, stringData: { b: "ü", c: "", d: null } };

  assert.deepEqual(normalise(object(secret)).object.data, { a: "AA==", b: "w7w=", c: "", d: "" });
  assert.equal("stringData" in normalise(object(secret)).object, false);
  assert.deepEqual(normalise(object({ kind: "Secret", stringData: null })).object, object({ kind: "Secret" }));
  for (const stringData of [{ a: 1 }, ["a"]]) { // for the API server to refuse
    assert.deepEqual(normalise(object({ kind: "Secret", stringData })).object, object({ kind: "Secret", stringData }));
  }
  for (const data of ["AA==", ["AA=="], 5]) {
    const torn = object({ kind: "Secret", data, stringData: { a: "b" } });
    assert.deepEqual(normalise(torn).object, torn);
  }
  assert.deepEqual(normalise(object({ stringData: { a: "b" } })).object, object({ stringData: { a: "b" } }));
});

Deno.test("normalise() names the ServiceAccount of Pods by the one name that counts, in kinds of Kubernetes alone", () => {
  const template = (spec: unknown) => ({ spec: { template: { spec } } });
  const shapes: readonly [string, string, (spec: unknown) => Record<string, unknown>][] = [
    ["v1", "Pod", (spec) => ({ spec })],
    ["apps/v1", "Deployment", template],
    ["batch/v1", "CronJob", (spec) => ({ spec: { jobTemplate: template(spec) } })],
  ];

  for (const [apiVersion, kind, shape] of shapes) {
    const named = (spec: unknown) => normalise(object({ apiVersion, kind, ...shape(spec) })).object;
    const made = (spec: unknown) => object({ apiVersion, kind, ...shape(spec) });
    assert.deepEqual(named({ serviceAccount: "a" }), made({ serviceAccountName: "a" }));
    assert.deepEqual(named({ serviceAccount: "a", serviceAccountName: "b" }), made({ serviceAccountName: "b" }));
    assert.deepEqual(named({ serviceAccount: ["a"] }), made({ serviceAccount: ["a"] }));
    assert.deepEqual(named("a"), made("a"));
  }
  const theirs = object({ apiVersion: "apps.example/v1", kind: "Deployment", ...template({ serviceAccount: "a" }) });
  assert.deepEqual(normalise(theirs).object, theirs);
});

Deno.test("normalise() leaves out a caBundle without a certificate, wherever Kubernetes has one", () => {
  const certificate = btoa("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n");
  const shapes: readonly [string, string, (config: unknown) => Record<string, unknown>][] = [
    ["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", (c) => ({ webhooks: [{ clientConfig: c }] })],
    ["apiextensions.k8s.io/v1", "CustomResourceDefinition", (c) => ({
      spec: { conversion: { strategy: "Webhook", webhook: { clientConfig: c } } },
    })],
    ["apiregistration.k8s.io/v1", "APIService", (spec) => ({ spec })],
  ];

  for (const [apiVersion, kind, shape] of shapes) {
    const made = (config: unknown) => object({ apiVersion, kind, ...shape(config) });
    for (const caBundle of ["", "Cg==", "\n", null, btoa("placeholder")]) {
      assert.deepEqual(normalise(made({ caBundle, url: "x" })).object, made({ url: "x" }), kind);
    }
    for (const caBundle of [certificate, "${CA}"]) {
      assert.deepEqual(normalise(made({ caBundle })).object, made({ caBundle }), kind);
    }
  }
  assert.deepEqual(normalise(object({ spec: { caBundle: "" } })).object, object({ spec: { caBundle: "" } }));
});

Deno.test("normalise() changes nothing of what it is given, and is itself when it is done again", () => {
  const given = object({ kind: "Secret", stringData: { a: "b" }, status: {} }, {
    uid: "u",
    annotations: { "brokkr.io/adopted": "x" },
  });
  const before = structuredClone(given);

  const once = normalise(given);

  assert.deepEqual(given, before);
  assert.deepEqual(normalise(once.object), once);
});

Deno.test("normalise() keeps large numbers, and mappings whose keys are odd", () => {
  const { manifests } = parseBundle(
    "apiVersion: v1\nkind: X\nmetadata: {name: a}\nspec: {big: 9007199254740993, __proto__: {metadata: {creationTimestamp: ~}}}\n",
  );

  assert.equal(
    JSON.stringify(normalise(manifests[0]?.object ?? {}).object),
    '{"apiVersion":"v1","kind":"X","metadata":{"name":"a"},"spec":{"big":9007199254740993,"__proto__":{"metadata":{}}}}',
  );
});

Deno.test("normalise() leaves out the rules that the controller of an aggregated ClusterRole gathers", () => {
  const role = (rest: Record<string, unknown>, kind = "ClusterRole") =>
    normalise({ apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata: { name: "a" }, ...rest }).object;
  const aggregationRule = { clusterRoleSelectors: [] };

  assert.deepEqual(Object.keys(role({ aggregationRule, rules: [] })), Object.keys(role({ aggregationRule })));
  for (const rest of [{ rules: [] }, { aggregationRule: null, rules: [] }]) assert.deepEqual(role(rest).rules, []);
  assert.deepEqual(role({ aggregationRule, rules: [] }, "Role").rules, []);
});

Deno.test("normalise() leaves out the selector and labels that were generated for a Job", () => {
  const job = (name: string, selector: Record<string, unknown>, labels: Record<string, unknown>) =>
    normalise({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, labels },
      spec: { ...selector, template: { metadata: { labels }, spec: { restartPolicy: "Never" } } },
    }).object;
  const uid = { "batch.kubernetes.io/controller-uid": "u" };
  const generated = { ...uid, "controller-uid": "u", "job-name": "j", "batch.kubernetes.io/job-name": "j" };
  const selector = { selector: { matchLabels: uid } };

  assert.deepEqual(job("j", selector, { ...generated, a: "b" }), job("j", {}, { a: "b" }));
  for (const chosen of [{ ...selector, manualSelector: true }, { selector: { matchLabels: { ...uid, a: "b" } } }]) {
    assert.deepEqual(job("j", chosen, generated).spec, {
      ...chosen,
      template: { metadata: { labels: generated }, spec: { restartPolicy: "Never" } },
    });
  }
});
