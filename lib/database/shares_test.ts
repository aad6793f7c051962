import assert from "node:assert/strict";
import { shareLimits } from "./shares.ts";

Deno.test("shareLimits() divides a pool so that every share has a connection, and all of them are used", () => {
  assert.deepEqual(shareLimits(10), { hot: 6, bulk: 3, gauges: 1 });
  assert.deepEqual(shareLimits(3), { hot: 1, bulk: 1, gauges: 1 });
  for (let size = 3; size <= 1_000; size += 1) {
    const { hot, bulk, gauges } = shareLimits(size);
    assert.deepEqual([hot + bulk + gauges, Math.min(hot, bulk, gauges) >= 1], [size, true]);
  }
});

Deno.test("shareLimits() leaves a pool that is too small to everybody", () => {
  assert.deepEqual(shareLimits(1), { hot: 1, bulk: 1, gauges: 1 });
  assert.deepEqual(shareLimits(2), { hot: 2, bulk: 2, gauges: 2 });
});
