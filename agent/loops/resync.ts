import type { Planner } from "../plan/planner.ts";
import type { SupervisedLoop } from "./supervise.ts";

/**
 * The loop that has every stack of inventory and snapshot compared with the cluster again, so that drift is put right.
 * It asks the broker nothing, so it goes on while the broker is away.
 */
export function resyncLoop(planner: Pick<Planner, "repeat">, intervalMs: number): SupervisedLoop {
  return { name: "resync", intervalMs, turn: () => Promise.resolve(planner.repeat()) };
}
