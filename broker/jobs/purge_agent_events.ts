import type { Store } from "../store/mod.ts";
import type { Job } from "./runner.ts";

const INTERVAL_MS = 3_600_000;
const NAME = "purge_agent_events";

/** Events in one transaction: however many have gathered, each ends soon. */
const BATCH = 1_000;

/** Deletes events older than their retention; one replica at a time. */
export function purgeAgentEvents(store: Store, { retentionDays }: { readonly retentionDays: number }): Job {
  return {
    name: NAME,
    intervalMs: INTERVAL_MS,
    async runOnce(signal) {
      let [purged, isOurs, wasOurs] = [BATCH, true, false];
      while (isOurs && purged === BATCH && !signal.aborted) {
        isOurs = await store.exclusively(NAME, async ({ events }) => {
          purged = await events.purge(retentionDays, BATCH);
        });
        wasOurs ||= isOurs; // another replica may go on between two batches
      }
      return wasOurs ? "success" : "skipped";
    },
  };
}
