import type { Sql } from "$lib/database.ts";

/** Who is signed in to the console, by the hash of what their cookie holds, and by the hash of the key they showed. */
export async function consoleSessions(sql: Sql): Promise<void> {
  await sql`
    create table console_sessions (
      id uuid primary key default gen_random_uuid(),
      token_hash text not null check (token_hash ~ '^[0-9a-f]{64}$'),
      role text not null check (role in ('admin', 'agent', 'generator')),
      owner_id uuid not null,
      pak_hash text not null check (pak_hash ~ '^[0-9a-f]{64}$'),
      csrf_secret text not null,
      used_at timestamptz not null default now(),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint console_sessions_token_hash_key unique (token_hash)
    )`;
  await sql`create index console_sessions_owner on console_sessions (role, owner_id, created_at)`;
}
