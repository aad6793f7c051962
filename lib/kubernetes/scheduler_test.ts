import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { createScheduler, type SchedulerLimits } from "./scheduler.ts";

/** A scheduler whose requests last until they are told to end; their names in the order in which they went. */
function scheduling(limits: SchedulerLimits) {
  const clock = new ManualClock();
  const scheduler = createScheduler(limits, clock);
  const gone: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const ask = (lane: string | undefined, name: string, signal?: AbortSignal) =>
    scheduler.run(lane, () => {
      gone.push(name);
      const gate = Promise.withResolvers<void>();
      gates.set(name, gate);
      return gate.promise;
    }, signal);
  const end = async (name: string) => {
    gates.get(name)?.resolve();
    await clock.settle();
  };
  return { scheduler, clock, gone, ask, end };
}

Deno.test("createScheduler() sends another stack's write at once, however many others wait for what never answers", async () => {
  const { ask, gone, clock } = scheduling({ inFlight: 16 });
  const full: number[] = [];
  for (const lane of ["a", "b", "c", "d"]) {
    for (let at = 0; at < 32; at += 1) ask(lane, lane);
    await clock.settle();
    full.push(gone.length);
  }

  ask("e", "e");
  await clock.settle();

  assert.deepEqual(full, [8, 12, 14, 15]);
  assert.equal(gone.at(-1), "e");
});

Deno.test("createScheduler() sends another stack's write next where no place is free", async () => {
  const { ask, gone, end, clock } = scheduling({ inFlight: 4 });
  for (const lane of ["a", "c", "d"]) for (let at = 0; at < 32; at += 1) ask(lane, `${lane}${at}`);
  await clock.settle();

  ask("b", "b0");
  await end("a0");

  assert.deepEqual(gone, ["a0", "a1", "c0", "d0", "b0"]);
});

Deno.test("createScheduler() lets one stack have half of the slots, but one at least", async () => {
  for (const [inFlight, share] of [[1, 1], [2, 1], [3, 1], [5, 2], [64, 32]] as const) {
    const { ask, gone, clock } = scheduling({ inFlight });
    for (let at = 0; at < 100; at += 1) ask("a", "a");
    await clock.settle();

    assert.equal(gone.length, share);
  }
});

Deno.test("createScheduler() never has more in flight than it may, and goes round those who wait", async () => {
  const { ask, gone, end, clock } = scheduling({ inFlight: 2 });
  ask("x", "x");
  ask("y", "y");
  for (const lane of ["a", "b", undefined]) for (const at of [0, 1, 2]) ask(lane, `${lane}${at}`);
  await clock.settle();

  let most = 0;
  for (let ended = 0; ended < gone.length; ended += 1) {
    most = Math.max(most, gone.length - ended);
    await end(gone[ended] ?? "");
  }

  assert.equal(most, 2);
  assert.equal(gone.join(" "), "x y a0 b0 undefined0 a1 b1 undefined1 a2 b2 undefined2");
});

Deno.test("createScheduler() gives a place on when a request fails, and none to one that is not wanted any more", async () => {
  const { scheduler, ask, gone, end, clock } = scheduling({ inFlight: 1 });
  await assert.rejects(scheduler.run("a", () => Promise.reject(new Error("no"))), /no/);
  const stopping = new AbortController();
  ask("a", "first");
  const given = assert.rejects(ask("a", "given up", stopping.signal), /stopping/);
  ask("a", "last");

  stopping.abort(new Error("stopping"));
  await given;
  await assert.rejects(ask("a", "late", stopping.signal), /stopping/);
  await end("first");

  assert.deepEqual(gone, ["first", "last"]);
  assert.equal(clock.pending, 0);
});

Deno.test("createScheduler() slows the lane that is told to wait, for as long as the longest asked for", async () => {
  const { scheduler, ask, gone, clock } = scheduling({ inFlight: 8 });
  scheduler.slow("a", 3_000);
  scheduler.slow("a", 1_000);
  ask("a", "a");
  ask("b", "b");
  ask(undefined, "none");

  const pauses = [scheduler.pauseMs("a"), scheduler.pauseMs("b")];
  await clock.advance(2_999);
  const before = [...gone];
  await clock.advance(1);

  assert.deepEqual([...pauses, scheduler.pauseMs("a")], [3_000, 0, 0]);
  assert.deepEqual([before, gone], [["b", "none"], ["b", "none", "a"]]);
});

Deno.test("createScheduler() lets a burst go and spaces the rest by qps, each lane in its turn", async () => {
  const { ask, gone, clock } = scheduling({ inFlight: 64, qps: 10, burst: 2 });
  for (let at = 0; at < 4; at += 1) ask("a", `a${at}`);
  ask("b", "b");
  const seen: string[] = [];

  for (const ms of [0, 99, 1, 100, 100]) {
    await clock.advance(ms);
    seen.push(gone.join(" "));
  }

  assert.deepEqual(seen, ["a0 a1", "a0 a1", "a0 a1 b", "a0 a1 b a2", "a0 a1 b a2 a3"]);
});
