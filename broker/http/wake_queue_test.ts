import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { WakeQueue } from "./wake_queue.ts";

/** Sleepers, and how many of them are awake; `inFlight` is what the broker has to do. */
function sleeping(count: number, wakeSpreadMs = 5_000) {
  const clock = new ManualClock();
  const seen = { awake: 0, inFlight: 0 };
  const queue = new WakeQueue({ clock, wakeSpreadMs, inFlight: () => seen.inFlight });
  const sleepers = Array.from({ length: count }, () => ({ wake: () => void (seen.awake += 1) }));
  async function awakeAfter(ms: number): Promise<number> {
    await clock.advance(ms);
    return seen.awake;
  }
  return { clock, queue, sleepers, seen, awakeAfter };
}

Deno.test("WakeQueue wakes a few at once, and the rest evenly over the spread for so many", async () => {
  const { clock, queue, sleepers, awakeAfter } = sleeping(5_000);

  for (let from = 0; from < sleepers.length; from += 200) queue.add(sleepers.slice(from, from + 200));

  assert.deepEqual([await awakeAfter(0), await awakeAfter(1_000), await awakeAfter(3_000)], [20, 1_020, 4_020]);
  assert.deepEqual([await awakeAfter(980), clock.pending], [5_000, 0]);
});

Deno.test("WakeQueue wakes all at once where there is no spread", () => {
  const { queue, sleepers, seen } = sleeping(1_000, 0);
  seen.inFlight = 1_000;

  queue.add(sleepers);

  assert.equal(seen.awake, 1_000);
});

Deno.test("WakeQueue pauses longer the more is in flight, goes on as that is done, and never stops", async () => {
  const { queue, sleepers, seen, awakeAfter } = sleeping(5_000);
  queue.add(sleepers);
  await awakeAfter(0);
  const awakeIn = async (ms: number, inFlight: number) => {
    seen.inFlight = inFlight;
    const before = seen.awake;
    return await awakeAfter(ms) - before;
  };

  const free = await awakeIn(400, 16);
  const busy = await awakeIn(400, 32);
  const full = await awakeIn(400, 100_000);
  const freeAgain = await awakeIn(400, 0);

  assert.deepEqual([free, busy, full], [400, 100, 20]);
  assert.ok(freeAgain > 350, `${freeAgain} are woken once there is less to do`);
});

Deno.test("WakeQueue lets sleep who was removed, and wakes each once however often it was added", async () => {
  const { clock, queue, sleepers, awakeAfter } = sleeping(40);
  queue.add(sleepers);
  queue.add(sleepers.slice(20));

  for (const sleeper of sleepers.slice(30)) queue.remove(sleeper);

  assert.deepEqual([await awakeAfter(1_000), clock.pending], [30, 0]);
  queue.add(sleepers.slice(0, 21));
  for (const sleeper of sleepers) queue.remove(sleeper);
  assert.equal(clock.pending, 0);
});
