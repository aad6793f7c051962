import assert from "node:assert/strict";
import { fc } from "../../tests/fakes/fast_check.ts";
import { hasMoreParts } from "./json_parts.ts";

/** How many parts a value has, counted in what was read of it. */
function partsOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inside = Array.isArray(value) ? value : Object.values(value);
  const own = Array.isArray(value) ? 1 : 1 + inside.length;
  return own + Math.max(0, inside.length - 1) + inside.reduce((sum: number, one) => sum + partsOf(one), 0);
}

Deno.test("hasMoreParts() counts what stands between strings, whatever stands in them", () => {
  const texts = fc.oneof(fc.string({ unit: fc.constantFrom('"', "\\", ",", "[", "{", ":", "a") }), fc.string());
  const values = fc.object({ key: texts, values: [texts, fc.integer(), fc.constant(null)], maxDepth: 4 });

  fc.assert(fc.property(values, fc.constantFrom(undefined, 1), (value, space) => {
    const text = JSON.stringify(value, undefined, space);
    const parts = partsOf(value);
    assert.deepEqual([hasMoreParts(text, parts), hasMoreParts(text, parts - 1)], [false, parts > 0]);
  }));
});

Deno.test("hasMoreParts() ends with a text that does not end", () => {
  for (const text of ['"', '{"a', '{"a\\"', "[[[", '"\\\\\\']) assert.equal(hasMoreParts(text, 3), false, text);
  assert.equal(hasMoreParts("[".repeat(10), 9), true);
});
