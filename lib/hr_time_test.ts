import assert from "node:assert/strict";
import { hrTime } from "$lib/hr_time.ts";

Deno.test("hrTime() is seconds and nanoseconds, and never a whole second of these", () => {
  assert.deepEqual([0, 1_500, 1_000.25, 1_999.9999999999].map(hrTime), [
    [0, 0],
    [1, 500_000_000],
    [1, 250_000],
    [1, 999_999_999],
  ]);
});
