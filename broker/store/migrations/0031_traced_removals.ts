import type { Sql } from "$lib/database.ts";

/**
 * When the removal of a delivery was asked for by the request that its `traceparent` names from then on; absent where
 * that request is in no trace. A broker of 0.10.0 writes neither.
 */
export async function tracedRemovals(sql: Sql): Promise<void> {
  await sql`alter table deliveries add column removal_asked_at timestamptz`;
}
