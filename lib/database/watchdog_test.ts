import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { Watchdog } from "./watchdog.ts";

Deno.test("Watchdog calls overdue once what runs longest has run for the limit, and not before", async () => {
  const { clock, watchdog, calls } = watched();
  const first = Promise.withResolvers<void>();
  const running = [watchdog.over(() => first.promise)];
  await clock.advance(60);
  running.push(watchdog.over(() => new Promise(() => {})));
  first.resolve();
  await running[0];

  await clock.advance(99);
  const early = [...calls];
  await clock.advance(1);

  assert.deepEqual([early, calls], [[], [160]]);
});

Deno.test("Watchdog is silent about what ended in time, and sets no timer while nothing runs", async () => {
  const { clock, watchdog, calls } = watched();

  for (let i = 0; i < 5; i++) await watchdog.over(() => clock.advance(50));
  await clock.advance(100);

  assert.deepEqual([calls, clock.pending], [[], 0]);
});

Deno.test("Watchdog leaves no timer after stop()", async () => {
  const { clock, watchdog, calls } = watched();
  watchdog.over(() => new Promise(() => {}));

  watchdog.stop();
  await clock.advance(200);

  assert.deepEqual([calls, clock.pending], [[], 0]);
});

function watched() {
  const clock = new ManualClock();
  const calls: number[] = [];
  return {
    clock,
    calls,
    watchdog: new Watchdog({ clock, limitMs: 100, overdue: () => calls.push(clock.monotonic()) }),
  };
}
