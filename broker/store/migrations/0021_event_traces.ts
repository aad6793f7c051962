import type { Sql } from "$lib/database.ts";

/** The trace of what an agent reported, where that is exported. */
export async function eventTraces(sql: Sql): Promise<void> {
  await sql`alter table agent_events add column trace_id text`;
}
