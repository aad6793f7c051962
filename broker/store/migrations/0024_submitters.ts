import type { Sql } from "$lib/database.ts";

/** Whose key submitted an object: a role and an id; null for one that came before, or to a broker of 0.10.0. */
export async function submitters(sql: Sql): Promise<void> {
  await sql`alter table deployment_objects add column submitted_by text`;
}
