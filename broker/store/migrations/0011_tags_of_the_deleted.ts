import type { Sql } from "$lib/database.ts";

/** Tags and targets of what was deleted go: every look at what is associated found them again. */
export async function tagsOfTheDeleted(sql: Sql): Promise<void> {
  await sql`delete from stack_labels where stack_id in (select id from stacks where deleted_at is not null)`;
  await sql`delete from stack_annotations where stack_id in (select id from stacks where deleted_at is not null)`;
  await sql`delete from agent_labels where agent_id in (select id from agents where deleted_at is not null)`;
  await sql`delete from agent_annotations where agent_id in (select id from agents where deleted_at is not null)`;
  await sql`
    delete from agent_targets
    where stack_id in (select id from stacks where deleted_at is not null)
      or agent_id in (select id from agents where deleted_at is not null)`;
}
