import assert from "node:assert/strict";
import { ManualClock } from "./manual_clock.ts";

Deno.test("ManualClock stands still until it is advanced", async () => {
  const clock = new ManualClock({ nowMs: 5_000 });
  const before = [clock.now(), clock.monotonic()];

  await clock.advance(250);

  assert.deepEqual(before, [5_000, 0]);
  assert.deepEqual([clock.now(), clock.monotonic()], [5_250, 250]);
});

Deno.test("advance() runs what falls due in order of time, each at its own time, and nothing later", async () => {
  const clock = new ManualClock();
  const ran: [string, number][] = [];
  clock.after(20, () => ran.push(["second", clock.monotonic()]));
  clock.after(10, () => ran.push(["first", clock.monotonic()]));
  clock.after(31, () => ran.push(["too late", clock.monotonic()]));

  await clock.advance(30);

  assert.deepEqual(ran, [["first", 10], ["second", 20]]);
  assert.equal(clock.pending, 1);
});

Deno.test("advance() lets a loop sleep again within one step", async () => {
  const clock = new ManualClock();
  const turns: number[] = [];
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      turns.push(clock.monotonic());
      await clock.sleep(10, stop.signal).catch(() => {});
    }
  })();

  await clock.advance(35);
  stop.abort();
  await loop;

  assert.deepEqual(turns, [0, 10, 20, 30]);
  assert.deepEqual(clock.slept, [10, 10, 10, 10]);
});

Deno.test("sleep() rejects with the signal's reason and leaves no timer when its signal aborts", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const sleep = clock.sleep(1_000, stop.signal);

  stop.abort(new Error("enough"));

  await assert.rejects(sleep, { message: "enough" });
  assert.equal(clock.pending, 0);
});

Deno.test("sleep() ends at once, its time passed, when the clock skips sleeps", async () => {
  const clock = new ManualClock({ skipsSleeps: true });

  await clock.sleep(60_000);

  assert.equal(clock.monotonic(), 60_000);
  assert.deepEqual(clock.slept, [60_000]);
});

Deno.test("after() does not run work that was cancelled", async () => {
  const clock = new ManualClock();
  const ran: string[] = [];
  const cancel = clock.after(10, () => ran.push("work"));

  cancel();
  await clock.advance(10);

  assert.deepEqual(ran, []);
});
