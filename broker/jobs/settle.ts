import type { Clock } from "$lib/clock.ts";
import type { SettlingStore } from "../store/mod.ts";
import type { Job } from "./runner.ts";
import { Wakeup } from "./wakeup.ts";

/** How often what nobody told of is looked for: lines of a replica that ended, and objects that one of 0.10.0 took. */
const SWEEP_MS = 5_000;

/** Settles what was submitted and changed, turn by turn until nothing is left; any number of replicas share the lines. */
export function settle(settling: SettlingStore, clock: Clock): Job {
  const wakeup = new Wakeup(clock, 0);
  settling.onLeft(() => wakeup.ask());
  return {
    name: "settle",
    intervalMs: SWEEP_MS,
    wake: (signal) => wakeup.wait(signal),
    async runOnce(signal) {
      wakeup.starts();
      await settling.sweep();
      while (!signal.aborted && await settling.settleNext());
      return "success";
    },
  };
}
