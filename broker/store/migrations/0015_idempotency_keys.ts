import type { Sql } from "$lib/database.ts";

/** Which object a caller's key stands for: a submission that is sent again makes no second one. */
export async function idempotencyKeys(sql: Sql): Promise<void> {
  await sql`
    create table idempotency_keys (
      id uuid primary key default gen_random_uuid(),
      stack_id uuid not null references stacks,
      caller text not null,
      key text not null check (char_length(key) between 1 and 255),
      deployment_object_id uuid not null references deployment_objects,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint idempotency_keys_key unique (stack_id, caller, key)
    )`;
  await sql`create index idempotency_keys_created_at_idx on idempotency_keys (created_at)`;
  await sql`create index idempotency_keys_object_idx on idempotency_keys (deployment_object_id)`;
}
