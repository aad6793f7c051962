import type { Store } from "../store/mod.ts";
import { purgeJob } from "./purge.ts";
import type { Job } from "./runner.ts";

/** Deletes events older than their retention. */
export function purgeAgentEvents(store: Store, { retentionDays }: { readonly retentionDays: number }): Job {
  return purgeJob("purge_agent_events", store, ({ events }, max) => events.purge(retentionDays, max));
}
