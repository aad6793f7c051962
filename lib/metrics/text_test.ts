import assert from "node:assert/strict";
import { boundText, type FamilyHead, headText, numberText, sampleCount, samplePrefix } from "$lib/metrics/text.ts";

const COUNTER: FamilyHead = { name: "x_total", type: "counter", help: 'A "b"\\\nc.' };
const TIME: FamilyHead = { name: "x_seconds", type: "histogram", help: "Time.", unit: "s" };

Deno.test("headText() names a counter with _total and escapes no quotes in the text format", () => {
  assert.equal(headText(COUNTER, "text"), '# HELP x_total A "b"\\\\\\nc.\n# TYPE x_total counter\n');
});

Deno.test("headText() names a counter without _total and escapes quotes in OpenMetrics", () => {
  assert.equal(headText(COUNTER, "openmetrics"), '# HELP x A \\"b\\"\\\\\\nc.\n# TYPE x counter\n');
});

Deno.test("headText() leaves a gauge its _total in both formats", () => {
  const stacks: FamilyHead = { name: "stacks_total", type: "gauge", help: "S." };

  assert.equal(headText(stacks, "openmetrics"), headText(stacks, "text"));
});

Deno.test("headText() says the unit in OpenMetrics only, and only when it is the name's suffix", () => {
  assert.match(headText(TIME, "openmetrics"), /^# UNIT x_seconds seconds$/m);
  assert.doesNotMatch(headText(TIME, "text"), /UNIT/);
  assert.doesNotMatch(headText({ ...TIME, name: "x" }, "openmetrics"), /UNIT/);
  assert.doesNotMatch(headText({ ...TIME, unit: "{request}" }, "openmetrics"), /UNIT/);
});

Deno.test("samplePrefix() escapes backslashes, quotes and line feeds of label values", () => {
  assert.equal(samplePrefix("x", { a: '\\"\n', b: "é" }), 'x{a="\\\\\\"\\n",b="é"} ');
  assert.equal(samplePrefix("x", {}), "x ");
});

Deno.test("boundText() writes bounds as OpenMetrics does", () => {
  assert.deepEqual([1, 0.005, 3600, Infinity].map(boundText), ["1.0", "0.005", "3600.0", "+Inf"]);
});

Deno.test("numberText() writes what is no finite number as Prometheus reads it", () => {
  assert.deepEqual([1, 0.1, 1e21, NaN, Infinity, -Infinity].map(numberText), [
    "1",
    "0.1",
    "1e+21",
    "NaN",
    "+Inf",
    "-Inf",
  ]);
});

Deno.test("sampleCount() counts lines as Prometheus does, whatever else ends a line elsewhere", () => {
  assert.equal(sampleCount('# HELP x X.\n# TYPE x gauge\nx{a="1"} 1\nx{a="b\rc\u2028d\u2029e"} 2\n\n'), 2);
});
