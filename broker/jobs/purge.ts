import type { Store } from "../store/mod.ts";
import type { Job } from "./runner.ts";

const INTERVAL_MS = 3_600_000;
/** Rows in one transaction: however many have gathered, each ends soon. */
const BATCH = 1_000;

/**
 * A job that deletes what nobody needs any more, one batch after the other; one replica at a time.
 *
 * @param purge Deletes at most `max` of it, and says how many.
 */
export function purgeJob(
  name: Job["name"],
  store: Store,
  purge: (inside: Pick<Store, "events" | "deliveries">, max: number) => Promise<number>,
): Job {
  return {
    name,
    intervalMs: INTERVAL_MS,
    async runOnce(signal) {
      let [purged, isOurs, wasOurs] = [BATCH, true, false];
      while (isOurs && purged === BATCH && !signal.aborted) {
        isOurs = await store.exclusively(name, async (inside) => {
          purged = await purge(inside, BATCH);
        });
        wasOurs ||= isOurs; // another replica may go on between two batches
      }
      return wasOurs ? "success" : "skipped";
    },
  };
}
