import type { Sql } from "$lib/database.ts";

/** Keys that their owners have rotated and may go on with for a while: the answer with the new one may be lost. */
export async function previousKeys(sql: Sql): Promise<void> {
  await sql`
    create table previous_keys (
      id uuid primary key default gen_random_uuid(),
      role text not null check (role in ('admin', 'agent', 'generator')),
      owner_id uuid not null,
      pak_hash text not null check (pak_hash ~ '^[0-9a-f]{64}$'),
      ends_at timestamptz not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint previous_keys_owner_key unique (role, owner_id),
      constraint previous_keys_pak_hash_key unique (pak_hash)
    )`;
}
