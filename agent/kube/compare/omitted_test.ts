import assert from "node:assert/strict";
import { parseJson } from "$lib/json.ts";
import { FIELD_MANAGER, type KubernetesObject } from "$lib/kubernetes.ts";
import { isLeftOut, releasedFields, withoutPaths } from "./omitted.ts";

const DEPLOYMENT: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d", annotations: { "a/b": "c" } },
  spec: {
    replicas: 3,
    strategy: { rollingUpdate: { maxSurge: 1 } },
    template: { spec: { containers: [{ name: "a", image: "x" }, { name: "b", image: "y" }], nodeSelector: {} } },
  },
};
const [A, B] = [{ name: "a", image: "x" }, { name: "b", image: "y" }];

function specWithout(...pointers: readonly string[]): Record<string, unknown> {
  return withoutPaths(DEPLOYMENT, pointers).spec as Record<string, unknown>;
}

Deno.test("withoutPaths() leaves out a field, and the maps that hold nothing then", () => {
  const { replicas: _, strategy: __, ...spec } = DEPLOYMENT.spec as Record<string, unknown>;

  assert.deepEqual(specWithout("/spec/replicas", "/spec/strategy/rollingUpdate/maxSurge"), spec);
});

for (
  const [pointer, containers] of [
    ["/spec/template/spec/containers/1/image", [A, { name: "b" }]],
    ['/spec/template/spec/containers/[name="a"]/image', [{ name: "a" }, B]],
    ['/spec/template/spec/containers/[name="a"]', [B]],
    ["/spec/template/spec/containers/0", [B]],
    ['/spec/template/spec/containers/[name="c"]/image', [A, B]],
    ["/spec/template/spec/containers/image", [A, B]],
    ["/spec/template/spec/containers/7", [A, B]],
  ] as const
) {
  Deno.test(`withoutPaths() without ${pointer} finds the item, and keeps the others`, () => {
    const { template } = specWithout(pointer) as { template: { spec: { containers: unknown } } };

    assert.deepEqual(template.spec.containers, containers);
  });
}

Deno.test("withoutPaths() takes indexes as those of the manifest, however many go", () => {
  const items = "/spec/template/spec/containers";
  const { template } = specWithout(`${items}/0`, `${items}/1`) as { template: { spec: { containers: unknown } } };

  assert.deepEqual(template.spec, { nodeSelector: {} });
});

Deno.test("withoutPaths() changes nothing for what is not there, or is no pointer", () => {
  assert.deepEqual(withoutPaths(DEPLOYMENT, ["", "spec", "/spec/nothing/at/all", "/spec/replicas/deeper"]), DEPLOYMENT);
  assert.equal(withoutPaths(DEPLOYMENT, []), DEPLOYMENT);
});

Deno.test("withoutPaths() reads names with a slash, and keeps every digit of what stays", () => {
  const object = { ...DEPLOYMENT, big: parseJson("9007199254740993") };

  const left = withoutPaths(object, ["/metadata/annotations/a~1b"]);

  assert.deepEqual(left.metadata, { name: "d" });
  assert.equal(JSON.stringify(left.big), "9007199254740993");
});

const ITEM = { ".": {}, "f:image": {}, "f:name": {} };
const OWN = {
  manager: FIELD_MANAGER,
  operation: "Apply",
  fieldsV1: { "f:spec": { "f:replicas": {}, "f:containers": { 'k:{"name":"a"}': ITEM, 'k:{"name":"b"}': ITEM } } },
};
const OTHER = { manager: "scaler", operation: "Update", fieldsV1: { "f:spec": { "f:replicas": {} } } };

function live(containers: readonly unknown[]): KubernetesObject {
  const metadata = { name: "d", resourceVersion: "7", managedFields: [OTHER, OWN] };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { containers } };
}

Deno.test("releasedFields() gives up our fields, and leaves others' entries as they are", () => {
  const object = live([A, B]);

  assert.deepEqual(releasedFields(object, ["/spec/replicas"], object), [
    OTHER,
    { ...OWN, fieldsV1: { "f:spec": { "f:containers": OWN.fieldsV1["f:spec"]["f:containers"] } } },
  ]);
});

Deno.test("releasedFields() takes an index as the manifest's, whatever order the live object has", () => {
  const manifest = { ...DEPLOYMENT, spec: { containers: [A, B] } };

  const left = releasedFields(live([B, A]), ["/spec/containers/0/image"], manifest);

  assert.match(JSON.stringify(left), /"k:\{\\"name\\":\\"a\\"\}":\{"\.":\{\},"f:name":\{\}\}/);
});

Deno.test("releasedFields() has nothing to give up of what is not ours", () => {
  const [object, bare] = [live([A, B]), { ...live([]), metadata: { name: "d" } }];

  assert.equal(releasedFields(object, ["/spec/paused", "/metadata/labels/x"], object), undefined);
  assert.equal(releasedFields(bare, ["/spec/replicas"], bare), undefined);
});

for (
  const [pointer, left, isIt] of [
    ["/spec/replicas", "/spec/replicas", true],
    ["/spec/strategy/rollingUpdate/maxSurge", "/spec/strategy", true],
    ["/spec/strategy", "/spec/strategy/rollingUpdate", true], // there is nothing else in it
    ["/spec/template", "/spec/template/spec/containers", false],
    ["/spec/replicasMore", "/spec/replicas", false],
    ['/spec/template/spec/containers/[name="b"]/image', "/spec/template/spec/containers/1/image", true],
    ['/spec/template/spec/containers/[name="a"]/image', "/spec/template/spec/containers/1/image", false],
    ['/spec/template/spec/containers/[name="c"]/image', '/spec/template/spec/containers/[name="c"]/image', false],
    ["/spec/replicas", "", false],
  ] as const
) {
  Deno.test(`isLeftOut() says ${isIt} of ${pointer} where ${left} is left out`, () => {
    assert.equal(isLeftOut(pointer, [left], DEPLOYMENT), isIt);
  });
}
