import type { Sql } from "$lib/database.ts";

/**
 * Since when each delivery does not work, and which were counted by the objective of their time. What is there already
 * counts as counted: nobody knows how it went.
 *
 * A broker of 0.10.0 leaves both as they are when another object is desired: one counted before `desired_at` is not
 * counted. Those that wait for it are one range of an index, the healthy ones first, then by when they were desired.
 */
export async function deliveryTimes(sql: Sql): Promise<void> {
  await sql`
    alter table deliveries
      add column unhealthy_since timestamptz,
      add column slo_counted_at timestamptz default now()`;
  await sql`alter table deliveries alter column slo_counted_at drop default`;
  await sql`
    update deliveries set unhealthy_since = case when healthy_at >= desired_at then health_at else desired_at end
    where health in ('progressing', 'degraded') and state not in ('terminating', 'removed')`;
  await sql`
    create index deliveries_unhealthy_idx on deliveries (agent_id, unhealthy_since)
    where health in ('progressing', 'degraded') and state not in ('terminating', 'removed')`;
  await sql`
    create index deliveries_uncounted_idx
    on deliveries ((case when healthy_at >= desired_at then '-infinity'::timestamptz else desired_at end))
    where (slo_counted_at is null or slo_counted_at < desired_at) and state not in ('terminating', 'removed')`;
}
