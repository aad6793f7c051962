import type { Sql } from "$lib/database.ts";

/** Who there is: the application itself, the admin, generators and agents. */
export async function identities(sql: Sql): Promise<void> {
  await sql`
    create table app (
      id uuid primary key default gen_random_uuid(),
      epoch uuid not null default gen_random_uuid(),
      initialised_at timestamptz not null default now(),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`;
  await sql`create unique index app_one_row_key on app ((true))`;
  await sql`insert into app default values`;
  await sql`
    create table admin_role (
      id uuid primary key default gen_random_uuid(),
      pak_hash text not null check (pak_hash ~ '^[0-9a-f]{64}$'),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`;
  await sql`create unique index admin_role_one_row_key on admin_role ((true))`;
  await sql`create unique index admin_role_pak_hash_key on admin_role (pak_hash)`;
  await generators(sql);
  await agents(sql);
  await agentTags(sql);
}

async function generators(sql: Sql): Promise<void> {
  await sql`
    create table generators (
      id uuid primary key default gen_random_uuid(),
      name text not null check (char_length(name) between 1 and 255),
      description text,
      pak_hash text check (pak_hash ~ '^[0-9a-f]{64}$'),
      is_system boolean not null default false,
      is_active boolean not null default true,
      last_active_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      deleted_at timestamptz,
      check (not is_system or deleted_at is null)
    )`;
  await sql`create unique index generators_name_key on generators (name) where deleted_at is null`;
  await sql`create unique index generators_pak_hash_key on generators (pak_hash) where deleted_at is null`;
  await sql`create index generators_created_at_idx on generators (created_at, id) where deleted_at is null`;
  await sql`
    insert into generators (name, description, is_system)
    values
      ('__system__', 'Every agent receives from it', true),
      ('admin-generator', 'Owns the stacks of the admin', false)`;
}

/** Rows have room to grow in their page: a heartbeat changes no indexed column, so it need not touch an index. */
async function agents(sql: Sql): Promise<void> {
  await sql`
    create table agents (
      id uuid primary key default gen_random_uuid(),
      name text not null check (char_length(name) between 1 and 255),
      cluster_name text not null check (char_length(cluster_name) between 1 and 255),
      status text not null default 'INACTIVE' check (status in ('ACTIVE', 'INACTIVE')),
      pak_hash text not null check (pak_hash ~ '^[0-9a-f]{64}$'),
      last_heartbeat timestamptz,
      k8s_reachable boolean,
      k8s_api_latency_ms integer check (k8s_api_latency_ms >= 0),
      k8s_reported_at timestamptz,
      k8s_version text check (char_length(k8s_version) <= 255),
      agent_version text check (char_length(agent_version) <= 255),
      prune_approved bigint,
      revision bigint not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      deleted_at timestamptz
    ) with (fillfactor = 80)`;
  await sql`create unique index agents_name_cluster_name_key on agents (name, cluster_name) where deleted_at is null`;
  await sql`create unique index agents_pak_hash_key on agents (pak_hash) where deleted_at is null`;
  await sql`create index agents_created_at_idx on agents (created_at, id) where deleted_at is null`;
  await sql`create index agents_prune_approved_idx on agents (id) where prune_approved is not null`;
  await sql`
    create table agent_generator_registrations (
      id uuid primary key default gen_random_uuid(),
      agent_id uuid not null references agents,
      generator_id uuid not null references generators,
      registered_at timestamptz not null default now(),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint agent_generator_registrations_key unique (agent_id, generator_id)
    )`;
  await sql`create index agent_generator_registrations_generator_idx on agent_generator_registrations (generator_id)`;
}

async function agentTags(sql: Sql): Promise<void> {
  await sql`
    create table agent_labels (
      id uuid primary key default gen_random_uuid(),
      agent_id uuid not null references agents,
      label text not null check (label ~ '^\\S{1,64}$'),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint agent_labels_key unique (agent_id, label)
    )`;
  await sql`create index agent_labels_label_idx on agent_labels (label, agent_id)`;
  await sql`
    create table agent_annotations (
      id uuid primary key default gen_random_uuid(),
      agent_id uuid not null references agents,
      key text not null check (key ~ '^\\S{1,64}$'),
      value text not null check (value ~ '^\\S{1,64}$'),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint agent_annotations_key unique (agent_id, key)
    )`;
  await sql`create index agent_annotations_value_idx on agent_annotations (key, value, agent_id)`;
}
