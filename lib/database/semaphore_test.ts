import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { Semaphore } from "./semaphore.ts";

Deno.test("Semaphore gives a free turn to whoever asked first", async () => {
  const slots = new Semaphore(1, { clock: new ManualClock(), deadlineMs: 100 });
  const order: string[] = [];
  await slots.take();
  const waiting = ["a", "b"].map((name) => slots.take().then(() => order.push(name)));

  slots.release();
  await waiting[0];
  const afterOne = [...order];
  slots.release();
  await waiting[1];

  assert.deepEqual([afterOne, order], [["a"], ["a", "b"]]);
});

Deno.test("Semaphore keeps a turn that nobody waits for, whoever gave up before", async () => {
  const clock = new ManualClock();
  const slots = new Semaphore(1, { clock, deadlineMs: 100 });
  await slots.take();
  const late = assert.rejects(slots.take(), { code: "unavailable" });
  await clock.advance(100);
  await late;

  slots.release();
  await slots.take();

  assert.equal(clock.pending, 0);
});

Deno.test("Semaphore refuses those who wait and those who come after close()", async () => {
  const slots = new Semaphore(1, { clock: new ManualClock(), deadlineMs: 100 });
  await slots.take();
  const waiting = assert.rejects(slots.take(), {
    code: "unavailable",
    message: "Cannot use the database: it is closed",
  });

  slots.close();

  await waiting;
  await assert.rejects(slots.take(), { code: "unavailable" });
});

Deno.test("Semaphore shows how many are taken, one that changes hands as one", async () => {
  const shown: number[] = [];
  const slots = new Semaphore(2, {
    clock: new ManualClock(),
    deadlineMs: 5_000,
    busy: { set: (taken) => shown.push(taken) },
  });
  await slots.take();
  await slots.take();
  const waits = slots.take();

  slots.release();
  await waits;
  slots.release();
  slots.release();

  assert.deepEqual(shown, [1, 2, 1, 0]);
});
