import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { Deadlines } from "./deadlines.ts";

Deno.test("after() calls each that is not taken back when its time is over, by one timer for all", async () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const late: string[] = [];
  deadlines.after(40, () => late.push("a, after 40"));
  const done = deadlines.after(30, () => late.push("taken back"));
  await clock.advance(10);
  deadlines.after(30, () => late.push("b, after 40"));
  deadlines.after(25, () => late.push("c, after 35"));
  const timers = clock.pending;

  done();
  await clock.advance(24);
  assert.deepEqual(late, []);
  await clock.advance(1);
  assert.deepEqual(late, ["c, after 35"]);
  await clock.advance(5);

  assert.deepEqual(late, ["c, after 35", "a, after 40", "b, after 40"]);
  assert.deepEqual([timers, clock.pending], [1, 0]);
});

Deno.test("after() leaves no timer once nothing is under way, and begins anew", async () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  let isLate = false;

  deadlines.after(30, () => {})();
  const between = clock.pending;
  await clock.advance(20);
  deadlines.after(30, () => isLate = true);
  await clock.advance(29);
  assert.equal(isLate, false);
  await clock.advance(1);

  assert.deepEqual([between, isLate, clock.pending], [0, true, 0]);
});

Deno.test("after() may be called by what is late", async () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const lateMs: number[] = [];
  const startMs = clock.monotonic();
  const again = () => {
    lateMs.push(clock.monotonic() - startMs);
    if (lateMs.length < 3) deadlines.after(10, again);
  };

  deadlines.after(10, again);
  await clock.advance(10);
  await clock.advance(10);
  await clock.advance(10);

  assert.deepEqual(lateMs, [10, 20, 30]);
});
