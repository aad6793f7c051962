import assert from "node:assert/strict";
import { fc } from "../../tests/fakes/fast_check.ts";
import { wireTypes } from "./values.ts";

Deno.test("wireTypes() reads back every array of texts that it writes", () => {
  const { textArray } = wireTypes();
  const item = fc.option(fc.oneof(fc.string(), fc.constantFrom("", "NULL", "null", ",", '"', "\\", "{}", "a\nb")));

  fc.assert(fc.property(fc.array(item), (items) => {
    assert.deepEqual(textArray?.parse(String(textArray.serialize(items))), items);
  }));
});

Deno.test("wireTypes() reads numbers, booleans and dates in the server's own spelling", () => {
  const { int8, int8Array, boolArray, timestamptzArray } = wireTypes();

  assert.equal(int8?.parse("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assert.deepEqual(int8Array?.parse("{1,-2,NULL}"), [1, -2, null]);
  assert.deepEqual(boolArray?.parse("{t,f}"), [true, false]);
  assert.deepEqual(timestamptzArray?.parse('{"2026-01-01 00:00:00.25+00"}'), [new Date("2026-01-01T00:00:00.250Z")]);
});
