import assert from "node:assert/strict";
import { readAnnotation, readLabel } from "./targeting.ts";

const BAD = ["", "a b", "a\tb", " a", "a".repeat(65)];

Deno.test("readLabel() takes 1–64 characters without white space", () => {
  for (const label of ["a", "ümlaut/😀", "a".repeat(64)]) assert.equal(readLabel(label), label);
  for (const label of BAD) assert.throws(() => readLabel(label), { code: "invalid_label" });
});

Deno.test("readAnnotation() asks the same of key and value", () => {
  assert.deepEqual(readAnnotation({ key: "k", value: "v" }), { key: "k", value: "v" });
  for (const bad of BAD) {
    assert.throws(() => readAnnotation({ key: bad, value: "v" }), { code: "invalid_annotation" });
    assert.throws(() => readAnnotation({ key: "k", value: bad }), { code: "invalid_annotation" });
  }
});
