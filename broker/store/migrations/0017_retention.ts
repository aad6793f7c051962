import type { Sql } from "$lib/database.ts";

/**
 * What retention needs: whether an object still has its body, what was deleted when, and an index for every foreign key
 * to what is purged, or each row that goes would have a whole table read.
 */
export async function retention(sql: Sql): Promise<void> {
  await sql`alter table deployment_objects add column body_kept boolean not null default true`;
  await sql`create index deployment_objects_stack_idx on deployment_objects (stack_id)`;
  await sql`
    create index deployment_objects_bodies_idx on deployment_objects (stack_id, sequence_id desc) where body_kept`;
  await sql`create index deliveries_desired_idx on deliveries (desired_object_id)`;
  await sql`create index deliveries_applied_idx on deliveries (applied_object_id) where applied_object_id is not null`;
  await sql`create index stacks_deleted_idx on stacks (deleted_at) where deleted_at is not null`;
  await sql`create index agents_deleted_idx on agents (deleted_at) where deleted_at is not null`;
}
