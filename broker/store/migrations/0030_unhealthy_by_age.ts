import type { Sql } from "$lib/database.ts";

/** The delivery that does not work for longest is the first of an index, whoever has it. */
export async function unhealthyByAge(sql: Sql): Promise<void> {
  await sql`
    create index deliveries_unhealthy_since_idx on deliveries (unhealthy_since, agent_id)
    where health in ('progressing', 'degraded') and state not in ('terminating', 'removed')`;
}
