import assert from "node:assert/strict";
import { FIELD_MANAGER, type KubernetesObject, type ManagedFields } from "$lib/kubernetes.ts";
import { parseJson } from "$lib/json.ts";
import { differingPaths } from "../../../tests/fakes/field_paths.ts";
import { compareObjects, FIELDS_FOUND_MAX, isMarkedAlike, ownFieldsDiffer } from "./differences.ts";

const PORTS = { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } };
const CONTAINERS = { 'k:{"name":"a"}': { ".": {}, "f:image": {}, "f:args": {}, "f:ports": PORTS } };

function owned(fieldsV1: unknown, more: Partial<ManagedFields> = {}): ManagedFields {
  return { manager: FIELD_MANAGER, operation: "Apply", time: "2025-01-01T00:00:00Z", fieldsV1, ...more };
}

function pod(spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): KubernetesObject {
  const managedFields = [owned({
    "f:spec": { "f:containers": CONTAINERS, "f:nodeSelector": {} },
    "f:metadata": { "f:finalizers": { 'v:"example.org/a"': {} } },
  })];
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "p", managedFields, ...metadata }, spec };
}

const CONTAINER = { name: "a", image: "x:1", args: ["1"], ports: [{ containerPort: 80, protocol: "TCP" }] };

Deno.test("compareObjects() are none between an object and itself with what an API server keeps", () => {
  const live = pod({ containers: [CONTAINER] }, { resourceVersion: "1", generation: 1, uid: "a" });
  const after = pod({ containers: [CONTAINER] }, {
    resourceVersion: "2",
    generation: 2,
    managedFields: [owned({}, { time: "2026-01-01T00:00:00Z" })],
  });

  assert.deepEqual(differingPaths({ ...live, status: { phase: "Running" } }, after), []);
});

for (
  const { what, spec, expected } of [
    {
      what: "a field of an item by the item's keys",
      spec: { containers: [{ name: "b" }, { ...CONTAINER, image: "x:2" }] },
      expected: ['spec.containers[name="a"].image', 'spec.containers[name="b"]'],
    },
    {
      what: "an item of an item by all its keys",
      spec: { containers: [{ ...CONTAINER, ports: [{ containerPort: 80, protocol: "TCP", hostPort: 80 }] }] },
      expected: ['spec.containers[name="a"].ports[containerPort=80,protocol="TCP"].hostPort'],
    },
    {
      what: "a list that is one value as one",
      spec: { containers: [{ ...CONTAINER, args: ["1", "2"] }] },
      expected: ['spec.containers[name="a"].args'],
    },
    { what: "what is more", spec: { containers: [CONTAINER], hostNetwork: true }, expected: ["spec.hostNetwork"] },
    { what: "what is less", spec: {}, expected: ["spec.containers"] },
  ]
) {
  Deno.test(`compareObjects() name ${what}`, () => {
    assert.deepEqual(differingPaths(pod({ containers: [CONTAINER] }), pod(spec)), expected);
  });
}

Deno.test("compareObjects() name a map that is owned as one by its own name", () => {
  const [live, after] = [pod({ nodeSelector: { a: "b" } }), pod({ nodeSelector: { a: "c" } })];

  assert.deepEqual(differingPaths(live, after), ["spec.nodeSelector"]);
});

Deno.test("compareObjects() name a list whose items only changed places", () => {
  const [one, other] = [{ name: "a" }, { name: "b" }];

  assert.deepEqual(differingPaths(pod({ containers: [one, other] }), pod({ containers: [other, one] })), [
    "spec.containers",
  ]);
});

Deno.test("compareObjects() name values of a set by themselves", () => {
  const [live, after] = [pod({}, { finalizers: ["example.org/a"] }), pod({}, { finalizers: ["example.org/b"] })];

  assert.deepEqual(differingPaths(live, after), [
    'metadata.finalizers[="example.org/a"]',
    'metadata.finalizers[="example.org/b"]',
  ]);
});

Deno.test("compareObjects() see a whole number's last digit", () => {
  const [live, after] = ["9007199254740993", "9007199254740992"].map((digits) => pod({ big: parseJson(digits) }));
  assert.ok(live && after);

  assert.deepEqual(differingPaths(live, after), ["spec.big"]);
});

Deno.test("compareObjects() of a Secret are the names of its keys", () => {
  const secret = (data: Record<string, string>) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s" },
    data,
  });

  assert.deepEqual(differingPaths(secret({ "tls.key": "b2xk" }), secret({ "tls.key": "bmV3" })), ['data["tls.key"]']);
});

Deno.test("compareObjects() gives each field as a pointer, too", () => {
  const live = pod({ containers: [CONTAINER] }, { annotations: { "a/b": "c" } });
  const after = pod({ containers: [{ ...CONTAINER, image: "y" }] }, { annotations: { "a/b": "d" } });

  assert.deepEqual(compareObjects(live, after).fields.map(({ pointer }) => pointer), [
    "/metadata/annotations/a~1b",
    '/spec/containers/[name="a"]/image',
  ]);
});

Deno.test("compareObjects() says when our marks alone differ", () => {
  const marked = (owner: string, more = {}) => pod({}, { annotations: { "brokkr.io/owner-id": owner, ...more } });

  assert.deepEqual(compareObjects(pod({}), marked("a")), { fields: [], onlyMarks: true });
  assert.deepEqual(compareObjects(marked("a"), marked("b")), { fields: [], onlyMarks: true });
  assert.deepEqual(compareObjects(marked("a"), marked("a")), { fields: [], onlyMarks: false });
  assert.equal(compareObjects(marked("a"), marked("b", { x: "y" })).onlyMarks, false);
  assert.deepEqual(differingPaths(marked("a"), marked("b", { x: "y" })), ["metadata.annotations.x"]);
});

Deno.test("isMarkedAlike() passes over the checksum, and over no mark that says whose an object is", () => {
  const marked = (stack: string, checksum: string) =>
    pod({}, { labels: { "k8s.brokkr.io/stack": stack }, annotations: { "brokkr.io/manifest-checksum": checksum } });

  assert.equal(isMarkedAlike(marked("a", "old"), marked("a", "new")), true);
  assert.equal(isMarkedAlike(marked("a", "same"), marked("b", "same")), false);
});

Deno.test("compareObjects() names no more fields than a person reads", () => {
  const data = (value: string) => Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`k${index}`, value]));
  const of = (value: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: data(value) });

  assert.equal(differingPaths(of("a"), of("b")).length, FIELDS_FOUND_MAX);
});

Deno.test("ownFieldsDiffer() looks at the fields, not at time, order or version", () => {
  const with_ = (entry: ManagedFields) => pod({}, { managedFields: [entry] });
  const live = with_(owned({ "f:data": { "f:a": {}, "f:b": {} } }));
  const same = owned({ "f:data": { "f:b": {}, "f:a": {} } }, { time: "2026-01-01T00:00:00Z" });

  assert.equal(ownFieldsDiffer(live, with_({ ...same, ...{ apiVersion: "other/v1" } })), false);
  assert.equal(ownFieldsDiffer(live, with_(owned({ "f:data": { "f:a": {} } }))), true);
});

Deno.test("ownFieldsDiffer() when nothing was ours before, and not by another's entry", () => {
  const by = (managedFields: readonly ManagedFields[]) => pod({}, { managedFields });
  const entry = owned({ "f:data": { "f:a": {} } });
  const others = [{ ...entry, manager: "other" }, { ...entry, operation: "Update" }, {
    ...entry,
    subresource: "scale",
  }];

  assert.equal(ownFieldsDiffer(by([]), by([entry])), true);
  assert.equal(ownFieldsDiffer(by(others), by([entry])), true);
  assert.equal(ownFieldsDiffer(by([...others, entry]), by([entry])), false);
});
