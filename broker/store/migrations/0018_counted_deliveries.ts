import type { Sql } from "$lib/database.ts";

/**
 * Gauges count deliveries by state, and look for the oldest that is pending, without a look at the table, which is
 * vacuumed long before a fifth of it has changed: what changed since has to be looked at. When a delivery was last
 * observed is in no index, so that a report that changes no more than that need not touch any.
 */
export async function countedDeliveries(sql: Sql): Promise<void> {
  await sql`drop index deliveries_removed_idx`;
  await sql`create index deliveries_state_idx on deliveries (state)`;
  await sql`create index deliveries_pending_idx on deliveries (desired_at, agent_id) where state = 'pending'`;
  await sql`alter table deliveries set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)`;
}
