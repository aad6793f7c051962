import type { Store } from "../store/mod.ts";
import type { Job } from "./runner.ts";

const INTERVAL_MS = 3_600_000;
const NAME = "purge_deliveries";

/** Deletes deliveries that have been `removed` for a day; one replica at a time. */
export function purgeDeliveries(store: Store): Job {
  return {
    name: NAME,
    intervalMs: INTERVAL_MS,
    async runOnce() {
      const isOurs = await store.exclusively(NAME, ({ deliveries }) => deliveries.purge());
      return isOurs ? "success" : "skipped";
    },
  };
}
