import assert from "node:assert/strict";
import { fc } from "../../../tests/fakes/fast_check.ts";
import { indexOf, keysOf, keysPart, pointerOf, pointerParts, sameJson } from "./pointers.ts";
import { parseJson } from "$lib/json.ts";

Deno.test("pointerOf() and pointerParts() are each other's reverse", () => {
  fc.assert(fc.property(fc.array(fc.string(), { minLength: 1 }), (parts) => {
    assert.deepEqual(pointerParts(pointerOf(parts)), parts);
  }));
});

Deno.test("keysPart() and keysOf() are each other's reverse, whatever the values are", () => {
  const key = fc.constantFrom("", "name", "containerPort", "protocol");
  const keys = fc.dictionary(key, fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minKeys: 1 });

  fc.assert(fc.property(keys, (given) => assert.deepEqual({ ...keysOf(keysPart(given)) }, { ...given })));
});

for (const part of ["0", "[", "[]", "[name]", '[name="a]', "name", '[name="a"x]']) {
  Deno.test(`keysOf() finds no keys in ${part}`, () => assert.equal(keysOf(part), undefined));
}

const PORTS = [{ port: 53, protocol: "UDP" }, { port: 53 }, { port: 80 }];

for (
  const [part, index] of [
    ["1", 1],
    ["3", undefined],
    ["-1", undefined],
    ["01", undefined],
    ["port", undefined],
    ['[port=53,protocol="TCP"]', 1],
    ['[port=53,protocol="UDP"]', 0],
    ["[port=81]", undefined],
  ] as const
) {
  Deno.test(`indexOf() finds ${index} for ${part}`, () => assert.equal(indexOf(PORTS, part), index));
}

Deno.test("sameJson() looks past the order of fields, and at every digit", () => {
  assert.equal(sameJson({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 }), true);
  assert.equal(sameJson([1, 2], [2, 1]), false);
  assert.equal(sameJson({ a: undefined }, {}), false);
  assert.equal(sameJson(parseJson("9007199254740993"), parseJson("9007199254740992")), false);
  assert.equal(sameJson(parseJson("9007199254740993"), parseJson("9007199254740993")), true);
});
