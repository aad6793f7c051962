import type { Sql } from "$lib/database.ts";

/** What a report says besides the state of a delivery, and a person's word about one. */
export async function deliveryReports(sql: Sql): Promise<void> {
  await sql`
    alter table deliveries
      add column health text
        constraint deliveries_health_check check (health in ('healthy', 'progressing', 'degraded', 'unknown')),
      add column health_reason text,
      add column health_at timestamptz,
      add column results bytea,
      add column yielded jsonb,
      add column approved_revision bigint`;
  // results are gzipped before they come here
  await sql`alter table deliveries alter column results set storage external`;
  await sql`create index deliveries_approved_idx on deliveries (agent_id) where approved_revision is not null`;
}
