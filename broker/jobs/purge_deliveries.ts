import type { Store } from "../store/mod.ts";
import { purgeJob } from "./purge.ts";
import type { Job } from "./runner.ts";

/** Deletes deliveries that have been `removed` for a day. */
export function purgeDeliveries(store: Store): Job {
  return purgeJob("purge_deliveries", store, ({ deliveries }, max) => deliveries.purge(max));
}
