import assert from "node:assert/strict";
import { disabledTracing } from "$lib/tracing.ts";

Deno.test("disabledTracing() samples nothing, begins nothing, and only does the work", () => {
  const tracing = disabledTracing();
  const parent = { traceId: "1".repeat(32), spanId: "1".repeat(16), traceFlags: 1 };

  assert.deepEqual([tracing.isOn, tracing.samples("admin", parent)], [false, false]);
  assert.equal(tracing.begin("GET /", { parent }), undefined);
  assert.deepEqual(tracing.within(undefined, () => [tracing.current(), "done"]), [undefined, "done"]);
});
