import type { Sql } from "$lib/database.ts";

/** What an agent last said of an object is looked up at each report of an existing agent. */
export async function eventsByObject(sql: Sql): Promise<void> {
  await sql`
    create index agent_events_object_idx
    on agent_events (deployment_object_id, agent_id, created_at desc, id desc)`;
}
