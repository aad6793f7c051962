import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { BATCH_MAX, BatchQueue, type BatchQueueParts, QUEUE_MAX } from "$lib/telemetry/batch_queue.ts";

/** A queue whose requests end when the test says so. */
function queue(options: Pick<BatchQueueParts<number>, "intervalMs" | "ready"> = {}) {
  const clock = new ManualClock();
  const sent: number[][] = [];
  const ends: (() => void)[] = [];
  const counts = { full: 0, outside: 0, mostAtOnce: 0, now: 0 };
  const made = new BatchQueue<number>({
    ...{ ...options, clock },
    onFull: () => counts.full += 1,
    outside: (work) => {
      counts.outside += 1;
      work();
    },
    send: async (items) => {
      sent.push([...items]);
      counts.mostAtOnce = Math.max(counts.mostAtOnce, ++counts.now);
      await new Promise<void>((end) => ends.push(end));
      counts.now -= 1;
    },
  });
  const add = (count: number) => {
    for (let n = 0; n < count; n += 1) made.add(n);
  };
  const endFirst = async () => {
    ends.shift()?.();
    await setImmediate();
  };
  return { made, add, clock, sent, counts, endFirst, sizes: () => sent.map(({ length }) => length) };
}

Deno.test("BatchQueue sends what there is a second after the first of it, in its order", async () => {
  const { made, clock, sent, endFirst } = queue();

  made.add(1);
  await clock.advance(600);
  made.add(2);
  await clock.advance(399);
  assert.deepEqual(sent, []);
  await clock.advance(1);
  assert.deepEqual(sent, [[1, 2]]);

  await endFirst();
  assert.equal(clock.pending, 0);
  made.add(3);
  await clock.advance(1_000);
  assert.deepEqual(sent, [[1, 2], [3]]);
});

Deno.test("BatchQueue sends a whole batch at once, and two batches at the same time at most", async () => {
  const { add, sizes, counts, endFirst, clock } = queue();

  add(3 * BATCH_MAX + 1);
  assert.deepEqual(sizes(), [BATCH_MAX, BATCH_MAX]);
  await clock.advance(10_000);
  assert.equal(counts.mostAtOnce, 2);

  await endFirst();
  assert.deepEqual(sizes(), [BATCH_MAX, BATCH_MAX, BATCH_MAX]);
  await endFirst();
  await clock.advance(1_000);
  assert.deepEqual(sizes(), [BATCH_MAX, BATCH_MAX, BATCH_MAX, 1]);
  assert.equal(counts.mostAtOnce, 2);
});

Deno.test("BatchQueue keeps no more than its bound while nothing gets away, and counts what it loses", async () => {
  const { add, counts, sizes, endFirst } = queue();

  add(2 * BATCH_MAX + QUEUE_MAX + 100);
  assert.equal(counts.full, 100);

  for (let n = 0; n < 10; n += 1) await endFirst();
  assert.equal(sizes().reduce((sum, size) => sum + size, 0), 2 * BATCH_MAX + QUEUE_MAX);
  assert.equal(counts.full, 100);
});

Deno.test("flush() ends once everything has been sent, what was under way and what came meanwhile too", async () => {
  const { made, add, sizes, endFirst, clock } = queue();
  add(BATCH_MAX);
  add(2);
  let hasEnded = false;

  const flushed = made.flush().then(() => hasEnded = true);
  assert.deepEqual(sizes(), [BATCH_MAX, 2]);
  add(1);
  await endFirst();
  await endFirst();
  assert.deepEqual([sizes(), hasEnded], [[BATCH_MAX, 2, 1], false]);
  await endFirst();
  await flushed;

  assert.equal(clock.pending, 0);
});

Deno.test("BatchQueue begins every timer and every request outside of what added to it", () => {
  const { add, counts } = queue();

  add(1);
  assert.equal(counts.outside, 1);
  add(BATCH_MAX - 1);
  assert.equal(counts.outside, 2);
});

Deno.test("BatchQueue begins no request sooner than its interval after the one before, however many items there are", async () => {
  const { add, clock, sizes, endFirst } = queue({ intervalMs: 5_000 });

  add(BATCH_MAX + 1);
  await endFirst();
  add(BATCH_MAX);
  await clock.advance(4_999);
  assert.deepEqual(sizes(), [BATCH_MAX]);
  await clock.advance(1);
  await endFirst();
  await clock.advance(5_000);
  assert.deepEqual(sizes(), [BATCH_MAX, BATCH_MAX, 1]);
  await endFirst();
  await clock.advance(60_000);

  add(1);
  await clock.advance(1_000);

  assert.deepEqual(sizes(), [BATCH_MAX, BATCH_MAX, 1, 1]);
});

Deno.test("flush() waits for no interval", async () => {
  const { made, add, sizes, endFirst, clock } = queue({ intervalMs: 5_000 });
  add(BATCH_MAX + 1);
  await endFirst();

  const flushed = made.flush();
  await endFirst();
  await flushed;

  assert.deepEqual([sizes(), clock.pending], [[BATCH_MAX, 1], 0]);
});

Deno.test("BatchQueue keeps what it has until there is somewhere to send, and leaves it where that never comes", async () => {
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const { made, add, clock, sizes } = queue({ ready });

  add(BATCH_MAX);
  await clock.advance(60_000);
  await made.flush();
  assert.deepEqual(sizes(), []);
  resolve();
  await setImmediate();

  assert.deepEqual(sizes(), [BATCH_MAX]);
});
