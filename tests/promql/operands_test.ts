import assert from "node:assert/strict";
import { operandsOf } from "./operands.ts";

Deno.test("operandsOf() takes comparisons apart, at every depth of and, or and parentheses", () => {
  assert.deepEqual(operandsOf("# why\n(rate(a[5m]) / b) > 0.25 and on (job) c == bool 1 or (d unless e)"), [
    "rate(a[5m]) / b",
    "0.25",
    "c",
    "1",
    "d",
    "e",
  ]);
});

Deno.test("operandsOf() of absent() is what must not be absent; what is inside other parts stays there", () => {
  assert.deepEqual(operandsOf('absent(up{job="a"})'), ['up{job="a"}']);
  assert.deepEqual(operandsOf("time() - (a > 0) > 5"), ["time() - (a > 0)", "5"]);
  assert.deepEqual(operandsOf("sum by (job) (a unless on (job) b) or max(c)"), ["a", "b", "max(c)"]);
});
