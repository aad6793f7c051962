import type { Sql } from "$lib/database.ts";

/** How connected each agent was when that was last looked at; one that is there already was connected when it came. */
export async function knownConnectivity(sql: Sql): Promise<void> {
  await sql`
    alter table agent_heartbeats
      add column connectivity text default 'connected' check (connectivity in ('connected', 'late', 'lost'))`;
  await sql`alter table agent_heartbeats alter column connectivity drop default`;
}
