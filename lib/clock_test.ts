import assert from "node:assert/strict";
import { deadline, inTime, systemClock, unlessAborted } from "$lib/clock.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";

Deno.test("deadline() aborts with a TimeoutError when its time is over", async () => {
  const clock = new ManualClock();
  using limit = deadline(clock, 100);

  await clock.advance(99);
  const before = limit.signal.aborted;
  await clock.advance(1);

  assert.equal(before, false);
  assert.deepEqual([limit.signal.reason.name, limit.signal.reason.message], ["TimeoutError", "Timed out after 100 ms"]);
});

Deno.test("deadline() aborts with the outer signal's reason", () => {
  const outer = new AbortController();
  using limit = deadline(new ManualClock(), 100, outer.signal);

  outer.abort("stopping");

  assert.equal(limit.signal.reason, "stopping");
});

Deno.test("deadline() is over from the start where the outer signal has aborted", () => {
  using limit = deadline(new ManualClock(), 100, AbortSignal.abort("stopping"));

  assert.equal(limit.signal.reason, "stopping");
});

Deno.test("deadline() hears nothing of the outer signal once it is disposed", () => {
  const outer = new AbortController();
  const limit = deadline(new ManualClock(), 100, outer.signal);

  limit[Symbol.dispose]();
  outer.abort("stopping");

  assert.equal(limit.signal.aborted, false);
});

Deno.test("deadline() leaves no timer behind once it is disposed", async () => {
  const clock = new ManualClock();
  const limit = deadline(clock, 100);

  limit[Symbol.dispose]();
  await clock.advance(100);

  assert.deepEqual([clock.pending, limit.signal.aborted], [0, false]);
});

Deno.test("systemClock() ends a sleep at once, with the signal's reason, when its signal aborts", async () => {
  const stop = new AbortController();
  const [before, during] = [AbortSignal.abort(new Error("before")), stop.signal];
  const clock = systemClock();

  const sleep = clock.sleep(3_600_000, during);
  stop.abort(new Error("during"));

  await assert.rejects(clock.sleep(3_600_000, before), { message: "before" });
  await assert.rejects(sleep, { message: "during" });
});

Deno.test("systemClock() resolves a sleep, runs what is due, and not what was cancelled", async () => {
  const clock = systemClock();
  const ran: string[] = [];
  const cancel = clock.after(0, () => ran.push("cancelled"));

  cancel();
  await new Promise<void>((resolve) => clock.after(0, resolve));
  await clock.sleep(0, new AbortController().signal);

  assert.deepEqual(ran, []);
});

Deno.test("systemClock() tells wall time since the epoch and a monotonic time of its own", () => {
  const clock = systemClock();

  const [first, second] = [clock.monotonic(), clock.monotonic()];

  assert.ok(clock.now() > Date.UTC(2025));
  assert.ok(first <= second && second < Date.UTC(2000));
});

Deno.test("unlessAborted() gives what the work comes to, or the signal's reason, and leaves no listener behind", async () => {
  const stop = new AbortController();
  const { signal } = stop;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: EventListenerOrEventListenerObject) => {
    listeners.add(listener);
    add(type, listener);
  };
  const remove = signal.removeEventListener.bind(signal);
  signal.removeEventListener = (type: string, listener: EventListenerOrEventListenerObject) => {
    listeners.delete(listener);
    remove(type, listener);
  };

  const done = await unlessAborted(Promise.resolve("done"), signal);
  const failed = assert.rejects(unlessAborted(Promise.reject(new Error("failed")), signal), { message: "failed" });
  const endless = assert.rejects(unlessAborted(new Promise(() => {}), signal), { message: "enough" });
  await failed;
  stop.abort(new Error("enough"));
  await endless;
  await assert.rejects(unlessAborted(new Promise(() => {}), signal), { message: "enough" });

  assert.equal(done, "done");
  assert.equal(listeners.size, 0);
});

Deno.test("inTime() is what the work comes to, or what is said of it once it takes too long, and leaves no timer", async () => {
  const clock = new ManualClock();
  const never = new Promise<string>(() => {});
  const tooSlow = () => {
    throw new Error("too slow");
  };

  const quick = await inTime(Promise.resolve("done"), { clock, ms: 10 }, () => "late");
  const late = inTime(never, { clock, ms: 10 }, () => "late");
  const refused = assert.rejects(inTime(never, { clock, ms: 10 }, tooSlow), /too slow/);
  await clock.advance(10);
  await refused;

  assert.deepEqual([quick, await late, clock.pending], ["done", "late", 0]);
});
