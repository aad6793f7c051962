import assert from "node:assert/strict";
import { IdleClock } from "./idle_clock.ts";

Deno.test("pass() leaps from timer to timer, and says so where time stands still", async () => {
  const clock = new IdleClock(() => false);
  const at: number[] = [];
  clock.after(60_000, () => at.push(clock.monotonic()));
  clock.after(10, () => at.push(clock.monotonic()));
  await clock.pass(60_000);
  const again = () => void clock.after(0, again);
  again();

  await assert.rejects(clock.pass(1), /stands still at 60000 ms/);

  assert.deepEqual(at, [10, 60_000]);
});
