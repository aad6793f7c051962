import type { Sql } from "$lib/database.ts";

/**
 * Lines of work: whose deliveries are to be brought in line with what is desired now. A line of a stack concerns all
 * its agents, `progress` of which are done; `before` is who was associated before the change, where that may have
 * changed. They refer to nothing: a line of what is gone does nothing.
 */
export async function settleLines(sql: Sql): Promise<void> {
  await sql`
    create table settle_lines (
      id bigint generated always as identity primary key,
      stack_id uuid,
      agent_id uuid,
      what text not null check (what in ('object', 'policy', 'association', 'deletion')),
      before uuid[],
      traceparent text,
      progress uuid,
      covers bigint,
      created_at timestamptz not null default now(),
      check (stack_id is not null or agent_id is not null)
    )`;
  await sql`create index settle_lines_stack_idx on settle_lines (stack_id, id) where agent_id is null`;
}
