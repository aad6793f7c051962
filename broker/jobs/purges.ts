import type { Store } from "../store/mod.ts";
import type { Job } from "./runner.ts";

const INTERVAL_MS = 3_600_000;
/** Rows in one transaction: however many have gathered, each ends soon. */
const BATCH = 1_000;

/** Deletes events older than their retention. */
export function purgeAgentEvents(store: Store, { retentionDays }: { readonly retentionDays: number }): Job {
  return purgeJob("purge_agent_events", store, [
    async ({ events }) => await events.purge(retentionDays, BATCH) === BATCH,
  ]);
}

/** Deletes deliveries that have been `removed` for a day. */
export function purgeDeliveries(store: Store): Job {
  return purgeJob("purge_deliveries", store, [async ({ deliveries }) => await deliveries.purge(BATCH) === BATCH]);
}

/** Deletes keys and sessions that are over, bodies of old objects, and what was deleted long ago. */
export function purgeExpired(store: Store, { objectsKept }: { readonly objectsKept: number }): Job {
  return purgeJob("purge_expired", store, [
    async ({ objects }) => await objects.purgeKeys(BATCH) === BATCH,
    async ({ keys }) => await keys.purgeFormer(BATCH) === BATCH,
    async ({ consoleSessions }) => await consoleSessions.purge(BATCH) === BATCH,
    ({ retention }) => retention.purgeBodies(objectsKept, BATCH),
    ({ retention }) => retention.purgeStacks(BATCH),
    ({ retention }) => retention.purgeAgents(BATCH),
  ]);
}

/** Deletes a batch; whether there may be more. */
type Purge = (inside: Store) => Promise<boolean>;

/** A job that deletes what nobody needs any more, one batch after the other; one replica at a time. */
function purgeJob(name: Job["name"], store: Store, purges: readonly Purge[]): Job {
  return {
    name,
    intervalMs: INTERVAL_MS,
    async runOnce(signal) {
      let wasOurs = false; // another replica may go on between two batches
      for (const purge of purges) wasOurs = await purgeAll(purge, { name, store, signal }) || wasOurs;
      return wasOurs ? "success" : "skipped";
    },
  };
}

interface PurgeParts {
  readonly name: Job["name"];
  readonly store: Store;
  readonly signal: AbortSignal;
}

/** Whether at least one batch was this replica's. */
async function purgeAll(purge: Purge, { name, store, signal }: PurgeParts): Promise<boolean> {
  let [hasMore, isOurs, wasOurs] = [true, true, false];
  while (isOurs && hasMore && !signal.aborted) {
    isOurs = await store.exclusively(name, async (inside) => {
      hasMore = await purge(inside);
    });
    wasOurs ||= isOurs;
  }
  return wasOurs;
}
