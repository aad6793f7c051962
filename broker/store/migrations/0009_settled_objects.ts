import type { Sql } from "$lib/database.ts";

/** When an object's deliveries were settled; those that are there are. One that is not, and has no line, gets one. */
export async function settledObjects(sql: Sql): Promise<void> {
  await sql`alter table deployment_objects add column settled_at timestamptz default now()`;
  await sql`alter table deployment_objects alter column settled_at drop default`;
  await sql`create index deployment_objects_unsettled_idx on deployment_objects (stack_id) where settled_at is null`;
}
