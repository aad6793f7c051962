import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { DatabaseMetrics } from "$lib/database.ts";
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
  const { metrics, shown } = recorded();
  const semaphore = new Semaphore(2, { clock: new ManualClock(), deadlineMs: 5_000, metrics });
  await semaphore.take();
  await semaphore.take();
  const waits = semaphore.take();

  semaphore.release();
  await waits;
  semaphore.release();
  semaphore.release();

  assert.deepEqual(shown["busy"], [1, 2, 2, 1, 0]);
});

Deno.test("Semaphore gives a share no more than its own turns, however many are free", async () => {
  const semaphore = new Semaphore(3, { clock: new ManualClock(), deadlineMs: 5_000, limits: LIMITS });
  const order: string[] = [];
  await semaphore.take("bulk");
  const bulk = semaphore.take("bulk").then(() => order.push("bulk"));

  await semaphore.take("hot").then(() => order.push("hot"));
  await semaphore.take("gauges").then(() => order.push("gauges"));
  semaphore.release("hot");
  await semaphore.take("hot").then(() => order.push("hot"));
  semaphore.release("bulk");
  await bulk;

  assert.deepEqual(order, ["hot", "gauges", "hot", "bulk"]);
});

Deno.test("Semaphore gives a turn to whichever share asked first, where all may have it", async () => {
  const semaphore = new Semaphore(1, {
    clock: new ManualClock(),
    deadlineMs: 5_000,
    limits: { hot: 1, bulk: 1, gauges: 1 },
  });
  const order: string[] = [];
  await semaphore.take("hot");
  const waiting = (["gauges", "bulk", "hot"] as const).map((share) =>
    semaphore.take(share).then(() => order.push(share))
  );

  semaphore.release("hot");
  await waiting[0];
  semaphore.release("gauges");
  await waiting[1];
  semaphore.release("bulk");
  await waiting[2];

  assert.deepEqual(order, ["gauges", "bulk", "hot"]);
});

Deno.test("Semaphore shows of each share how many turns are taken, and how many it may have", async () => {
  const { metrics, shown } = recorded();
  const semaphore = new Semaphore(3, { clock: new ManualClock(), deadlineMs: 5_000, limits: LIMITS, metrics });

  await semaphore.take("bulk");
  await semaphore.take("hot");
  semaphore.release("bulk");

  assert.deepEqual(shown, {
    limit: [3],
    "hot limit": [1],
    "bulk limit": [1],
    "gauges limit": [1],
    busy: [1, 2, 1],
    "bulk busy": [1, 0],
    "hot busy": [1],
  });
});

const LIMITS = { hot: 1, bulk: 1, gauges: 1 };

/** Gauges that keep everything that is recorded in them. */
function recorded() {
  const shown: Record<string, number[]> = {};
  const show = (name: string, value: number) => (shown[name] ??= []).push(value);
  const metrics: Pick<DatabaseMetrics, "connections" | "pool"> = {
    connections: { record: (value, of) => show(`${of?.state}`, value) },
    pool: { record: (value, of) => show(`${of?.share} ${of?.state}`, value) },
  };
  return { metrics, shown };
}
