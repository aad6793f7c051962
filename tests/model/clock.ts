import { type Clock, systemClock } from "$lib/clock.ts";

const TIMES = 100;
const DEADLINE_MS = 10_000;
const DEADLINE_TIMES = 20;

/**
 * A clock on which pauses between tries pass a hundred times as fast. Deadlines of requests are shortened less: a busy
 * machine is to answer within them.
 */
export function fastClock(): Clock {
  const clock = systemClock();
  const shortened = (ms: number) => ms / (ms > DEADLINE_MS ? DEADLINE_TIMES : TIMES);
  return {
    now: clock.now,
    monotonic: () => clock.monotonic() * TIMES,
    sleep: (ms, signal) => clock.sleep(shortened(ms), signal),
    after: (ms, work) => clock.after(shortened(ms), work),
  };
}
