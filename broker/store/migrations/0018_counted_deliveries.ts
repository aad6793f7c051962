import type { Sql } from "$lib/database.ts";

/** Gauges count deliveries by state, and look for the oldest that is pending, without a look at the table. */
export async function countedDeliveries(sql: Sql): Promise<void> {
  await sql`create index deliveries_state_idx on deliveries (state)`;
  await sql`create index deliveries_pending_idx on deliveries (desired_at, agent_id) where state = 'pending'`;
}
