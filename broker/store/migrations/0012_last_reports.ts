import type { Sql } from "$lib/database.ts";

/**
 * Which report a delivery last heard: an older one of the same start of the agent changes nothing, whatever history is
 * kept.
 */
export async function lastReports(sql: Sql): Promise<void> {
  await sql`alter table deliveries add column last_boot_id uuid, add column last_seq bigint`;
}
