import { Wakeup } from "$lib/wakeup.ts";
import type { Store } from "../store/mod.ts";
import type { Job } from "./runner.ts";

/**
 * How often what nobody told of is looked for: lines of a replica that ended, objects that one of 0.10.0 took, notices
 * that the database was away for.
 */
const SWEEP_MS = 5_000;

/**
 * Settles what was submitted and changed, turn by turn until nothing is left; any number of replicas share the lines.
 */
export function settle({ settling, notices }: Pick<Store, "settling" | "notices">): Job {
  const wakeup = new Wakeup();
  settling.onLeft(() => wakeup.ask());
  return {
    name: "settle",
    intervalMs: SWEEP_MS,
    wake: (signal) => wakeup.wait(signal),
    async runOnce(signal) {
      wakeup.starts();
      await notices.flush();
      await settling.sweep();
      while (!signal.aborted && await settling.settleNext());
      return "success";
    },
  };
}
