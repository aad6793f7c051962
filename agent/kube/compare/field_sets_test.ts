import assert from "node:assert/strict";
import { pathsOf } from "../../../tests/fakes/field_paths.ts";
import { fc } from "../../../tests/fakes/fast_check.ts";
import {
  difference,
  fieldOf,
  type FieldSet,
  isEmptySet,
  owns,
  pathsBeyond,
  sameSet,
  union,
  withoutPointers,
} from "./field_sets.ts";
import { parseJson } from "$lib/json.ts";

const A: FieldSet = { "f:data": { ".": {}, "f:a": {}, "f:b": {} } };
const B: FieldSet = { "f:data": { "f:b": {}, "f:c": {} } };

Deno.test("union() holds what either holds, a node itself included", () => {
  assert.deepEqual(union(A, B), { "f:data": { ".": {}, "f:a": {}, "f:b": {}, "f:c": {} } });
});

Deno.test("pathsBeyond() names the highest fields of which the other has nothing", () => {
  const items = {
    'k:{"name":"b"}': { ".": {}, "f:name": {}, "f:image": {} },
    'k:{"name":"a"}': { ".": {}, "f:tty": {} },
  };
  const set = { "f:spec": { ".": {}, "f:containers": { ".": {}, ...items } }, ...A };
  const have = { "f:spec": { "f:containers": { 'k:{"name":"a"}': { "f:image": {} } } }, "f:data": {} };

  assert.deepEqual(pathsBeyond(set, have), [
    'spec.containers[name="b"]',
    'spec.containers[name="a"].tty',
    "data.a",
    "data.b",
  ]);
});

Deno.test("difference() leaves a node that only the first holds, without what both hold in it", () => {
  assert.deepEqual(difference({ "f:data": { ".": {}, "f:b": {} } }, B), { "f:data": {} });
});

Deno.test("a field is not the same as all that is in it", () => {
  assert.equal(sameSet({ "f:data": {} }, { "f:data": { "f:a": {} } }), false);
  assert.deepEqual(pathsOf(difference({ "f:data": {} }, { "f:data": { "f:a": {} } })), ["data"]);
});

Deno.test("readable() writes fields, keys, values and odd names as people read them", () => {
  const set = {
    "f:metadata": { "f:annotations": { ".": {}, "f:example.org/a": {} }, "f:finalizers": { 'v:"example.org/f"': {} } },
    "f:spec": { "f:containers": { 'k:{"name":"a"}': { ".": {}, "f:image": {} } }, "f:args": { "i:2": {} } },
  };

  assert.deepEqual(pathsOf(set), [
    "metadata.annotations",
    'metadata.annotations["example.org/a"]',
    'metadata.finalizers[="example.org/f"]',
    'spec.containers[name="a"]',
    'spec.containers[name="a"].image',
    "spec.args[2]",
  ]);
});

const POD = {
  spec: {
    containers: [{ name: "b", image: "y" }, { name: "a", image: "x", ports: [{ containerPort: 80 }] }],
    args: ["one", "two"],
  },
  metadata: { finalizers: ["example.org/f"], annotations: { "a/b": "c" } },
};
const OF_POD: FieldSet = {
  "f:metadata": { "f:finalizers": { 'v:"example.org/f"': {} }, "f:annotations": { "f:a/b": {} } },
  "f:spec": {
    "f:containers": {
      'k:{"name":"a"}': {
        ".": {},
        "f:image": {},
        "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {} } },
      },
    },
    "f:args": {},
  },
};

for (
  const [pointer, expected] of [
    ["/spec/containers/1/image", true],
    ["/spec/containers/0/image", false],
    ['/spec/containers/[name="a"]/image', true],
    ["/spec/containers/1/ports/0", true],
    ["/spec/containers/1", true],
    ["/spec/args/1", true],
    ["/spec/replicas", false],
    ["/metadata/finalizers/0", true],
    ['/metadata/finalizers/[="example.org~1f"]', true],
    ["/metadata/annotations/a~1b", true],
    ["/metadata/annotations/a~1c", false],
    ["", false],
  ] as const
) {
  Deno.test(`owns() says ${expected} of "${pointer}"`, () => {
    assert.equal(owns(OF_POD, fieldOf(pointer, POD)), expected);
  });
}

Deno.test("fieldOf() knows an item by its keys where the object has no such list", () => {
  assert.equal(owns(OF_POD, fieldOf('/spec/containers/[name="a"]/image', {})), true);
});

Deno.test("owns() compares keys by their digits", () => {
  const object = parseJson('{"ports":[{"id":9007199254740993}]}');

  assert.equal(owns({ "f:ports": { 'k:{"id":9007199254740993}': { ".": {} } } }, fieldOf("/ports/0", object)), true);
  assert.equal(owns({ "f:ports": { 'k:{"id":9007199254740992}': { ".": {} } } }, fieldOf("/ports/0", object)), false);
});

Deno.test("withoutPointers() takes fields out with what is in them, and the nodes that hold nothing then", () => {
  const pointers = ["/spec/containers/1/ports", "/metadata/annotations/a~1b", "/spec/nothing", "/spec/args/0"];

  assert.deepEqual(withoutPointers(OF_POD, pointers, POD), {
    "f:metadata": { "f:finalizers": { 'v:"example.org/f"': {} } },
    "f:spec": { "f:containers": { 'k:{"name":"a"}': { ".": {}, "f:image": {} } }, "f:args": {} },
  });
});

Deno.test("withoutPointers() of all there is leaves the empty set", () => {
  assert.deepEqual(withoutPointers(B, ["/data"], {}), {});
});

const name = fc.constantFrom("f:a", "f:b", 'k:{"name":"a"}', 'v:"x"', "i:1");
const { node } = fc.letrec<{ node: FieldSet }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constant<FieldSet>({}),
    fc.tuple(fc.boolean(), fc.dictionary(name, tie("node"), { maxKeys: 3 })).map(([self, below]) =>
      self && Object.keys(below).length > 0 ? { ".": {}, ...below } : below
    ),
  ),
}));
const fieldSet = fc.dictionary(name, node, { maxKeys: 3 });

Deno.test("sets of fields are sets: their paths are united and taken away as those of sets are", () => {
  fc.assert(fc.property(fieldSet, fieldSet, (left, right) => {
    const [inLeft, inRight] = [new Set(pathsOf(left)), new Set(pathsOf(right))];

    assert.deepEqual(new Set(pathsOf(union(left, right))), inLeft.union(inRight));
    assert.deepEqual(new Set(pathsOf(difference(left, right))), inLeft.difference(inRight));
    assert.equal(sameSet(left, right), inLeft.symmetricDifference(inRight).size === 0);
    assert.ok(isEmptySet(difference(left, left)));
  }));
});
