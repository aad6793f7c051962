import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { Semaphore } from "./semaphore.ts";

Deno.test("Semaphore gives a free turn to whoever asked first", async () => {
  const semaphore = new Semaphore(1, { clock: new ManualClock(), deadlineMs: 100 });
  const order: string[] = [];
  await semaphore.take();
  const waiting = ["a", "b"].map((name) => semaphore.take().then(() => order.push(name)));

  semaphore.release();
  await waiting[0];
  const afterOne = [...order];
  semaphore.release();
  await waiting[1];

  assert.deepEqual([afterOne, order], [["a"], ["a", "b"]]);
});

Deno.test("Semaphore keeps a turn that nobody waits for, whoever gave up before", async () => {
  const clock = new ManualClock();
  const semaphore = new Semaphore(1, { clock, deadlineMs: 100 });
  await semaphore.take();
  const late = assert.rejects(semaphore.take(), { code: "unavailable" });
  await clock.advance(100);
  await late;

  semaphore.release();
  await semaphore.take();

  assert.equal(clock.pending, 0);
});

Deno.test("Semaphore refuses those who wait and those who come after close()", async () => {
  const semaphore = new Semaphore(1, { clock: new ManualClock(), deadlineMs: 100 });
  await semaphore.take();
  const waiting = assert.rejects(semaphore.take(), {
    code: "unavailable",
    message: "Cannot use the database: it is closed",
  });

  semaphore.close();

  await waiting;
  await assert.rejects(semaphore.take(), { code: "unavailable" });
});

Deno.test("Semaphore shows how many are taken, one that changes hands as one", async () => {
  const shown: number[] = [];
  const semaphore = new Semaphore(2, {
    clock: new ManualClock(),
    deadlineMs: 5_000,
    busy: { set: (taken) => shown.push(taken) },
  });
  await semaphore.take();
  await semaphore.take();
  const waits = semaphore.take();

  semaphore.release();
  await waits;
  semaphore.release();
  semaphore.release();

  assert.deepEqual(shown, [1, 2, 1, 0]);
});
