import assert from "node:assert/strict";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { Watchdog } from "./watchdog.ts";

Deno.test("Watchdog calls overdue of each that has run for the limit, once, and not before", async () => {
  const { clock, over, calls } = watched();
  const first = Promise.withResolvers<void>();
  const running = [over(() => first.promise)];
  for (const laterMs of [60, 30]) {
    await clock.advance(laterMs);
    running.push(over(() => new Promise(() => {})));
  }
  first.resolve();
  await running[0];

  await clock.advance(69);
  const early = [...calls];
  for (const laterMs of [1, 29, 1, 200]) await clock.advance(laterMs);

  assert.deepEqual([early, calls, clock.pending], [[], [160, 190], 0]);
});

Deno.test("Watchdog is silent about what ended in time, and sets no timer while nothing runs", async () => {
  const { clock, over, calls } = watched();

  for (let i = 0; i < 5; i++) await over(() => clock.advance(50));
  await clock.advance(100);

  assert.deepEqual([calls, clock.pending], [[], 0]);
});

Deno.test("Watchdog leaves no timer after stop()", async () => {
  const { clock, watchdog, over, calls } = watched();
  over(() => new Promise(() => {}));

  watchdog.stop();
  await clock.advance(200);

  assert.deepEqual([calls, clock.pending], [[], 0]);
});

function watched() {
  const clock = new ManualClock();
  const calls: number[] = [];
  const watchdog = new Watchdog({ clock, limitMs: 100 });
  const over = (work: () => Promise<void>) => watchdog.over(work, () => calls.push(clock.monotonic()));
  return { clock, calls, watchdog, over };
}
