import type { Sql } from "$lib/database.ts";

/**
 * How each stack is to be treated. With it comes the table of steps: a program of 0.10.0 is out of service as soon as
 * `migrations` gets a row, so that no step from here on is written there.
 */
export async function stackPolicies(sql: Sql): Promise<void> {
  await sql`
    create table schema_steps (
      number integer primary key,
      name text not null,
      oldest_program text not null check (oldest_program ~ '^[0-9]+\\.[0-9]+\\.[0-9]+$'),
      created_at timestamptz not null default now()
    )`;
  await sql`
    alter table stacks
      add column suspended boolean not null default false,
      add column drift text not null default 'repair'
        constraint stacks_drift_check check (drift in ('repair', 'report', 'off')),
      add column default_namespace text
        constraint stacks_default_namespace_check check (default_namespace ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')`;
}
