import assert from "node:assert/strict";
import { backoffMs, jittered, type Loop, runLoop } from "$lib/retry.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";

const NO_JITTER = () => 0.5;

/** A loop whose turns end as `outcomes` say, and which is stopped in the last one. */
function turns(outcomes: readonly ("ok" | "fail")[], loop: Partial<Loop> = {}) {
  const clock = new ManualClock({ skipsSleeps: true });
  const stop = new AbortController();
  const failures: number[] = [];
  let turn = 0;
  const parts: Loop = {
    turn() {
      const outcome = outcomes[turn++];
      if (turn === outcomes.length) stop.abort();
      return outcome === "fail" ? Promise.reject(new Error("failed")) : Promise.resolve();
    },
    intervalMs: 1_000,
    failed: (_, count) => failures.push(count),
    ...loop,
  };
  const run = (random = NO_JITTER) => runLoop(parts, { clock, random }, stop.signal);
  return { run, clock, failures, stop, count: () => turn };
}

Deno.test("jittered() stays within 20 % of what it is given", () => {
  assert.deepEqual([0, 0.5, 1].map((random) => jittered(1_000, () => random)), [800, 1_000, 1_200]);
});

Deno.test("backoffMs() doubles from the least to the most, however many failures", () => {
  const pauses = [1, 2, 3, 7, 1_000_000].map((failures) => backoffMs(failures, { minMs: 1_000, maxMs: 60_000 }));

  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 60_000, 60_000]);
});

Deno.test("runLoop() pauses for the interval after each turn, a failed one too", async () => {
  const { run, clock, failures } = turns(["ok", "fail", "ok", "ok"]);

  await run();

  assert.deepEqual(clock.slept.slice(0, 3), [1_000, 1_000, 1_000]);
  assert.deepEqual(failures, [1]);
});

Deno.test("runLoop() makes each pause up to 20 % shorter or longer, after failed turns too", async () => {
  const { run, clock } = turns(["ok", "fail", "ok"], { backoff: { minMs: 100, maxMs: 60_000 } });

  await run(() => 0);

  assert.deepEqual(clock.slept.slice(0, 2), [800, 80]);
});

Deno.test("runLoop() backs off while turns fail, and starts over after a good one", async () => {
  const { run, clock, failures } = turns(["fail", "fail", "ok", "fail", "ok"], {
    backoff: { minMs: 100, maxMs: 60_000 },
  });

  await run();

  assert.deepEqual(clock.slept.slice(0, 4), [100, 200, 1_000, 100]);
  assert.deepEqual(failures, [1, 2, 1]);
});

Deno.test("runLoop() does nothing when it is stopped before it starts", async () => {
  const { run, stop, count } = turns(["ok", "ok"]);
  stop.abort();

  await run();

  assert.equal(count(), 0);
});

Deno.test("runLoop() says nothing of a turn that fails because it is stopped", async () => {
  const { run, failures } = turns(["fail"]);

  await run();

  assert.deepEqual(failures, []);
});

Deno.test("runLoop() waits for the turn in progress before it returns", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const inTurn = Promise.withResolvers<void>();
  let hasReturned = false;
  const loop: Loop = { turn: () => inTurn.promise, intervalMs: 1_000, failed: () => {} };
  const running = runLoop(loop, { clock, random: NO_JITTER }, stop.signal).then(() => hasReturned = true);

  stop.abort();
  await clock.settle();
  const before = hasReturned;
  inTurn.resolve();
  await running;

  assert.deepEqual([before, hasReturned], [false, true]);
});

Deno.test("runLoop() starts the next turn at once when it is woken, and leaves no timer of the pause", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const waking: (() => void)[] = [];
  const wake = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      waking.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  let count = 0;
  const loop: Loop = { turn: () => Promise.resolve(void count++), intervalMs: 60_000, failed: () => {} };
  const running = runLoop(loop, { clock, random: NO_JITTER, wake }, stop.signal);
  await clock.settle();

  waking.at(-1)?.();
  await clock.settle();

  assert.deepEqual([count, clock.monotonic(), clock.pending], [2, 0, 1]);
  stop.abort();
  await running;
  assert.equal(clock.pending, 0);
});
