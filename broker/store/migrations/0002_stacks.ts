import type { Sql } from "$lib/database.ts";

/** What there is to deliver: stacks, their tags and targets, and deployment objects. */
export async function stacks(sql: Sql): Promise<void> {
  await sql`
    create table stacks (
      id uuid primary key default gen_random_uuid(),
      name text not null check (char_length(name) between 1 and 255),
      description text,
      generator_id uuid not null references generators,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      deleted_at timestamptz
    )`;
  await sql`create unique index stacks_name_key on stacks (name) where deleted_at is null`;
  await sql`create index stacks_created_at_idx on stacks (created_at, id) where deleted_at is null`;
  await sql`create index stacks_generator_idx on stacks (generator_id, created_at, id) where deleted_at is null`;
  await stackTags(sql);
  await sql`
    create table agent_targets (
      id uuid primary key default gen_random_uuid(),
      agent_id uuid not null references agents,
      stack_id uuid not null references stacks,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint agent_targets_key unique (agent_id, stack_id)
    )`;
  await sql`create index agent_targets_stack_idx on agent_targets (stack_id)`;
  await deploymentObjects(sql);
}

async function stackTags(sql: Sql): Promise<void> {
  await sql`
    create table stack_labels (
      id uuid primary key default gen_random_uuid(),
      stack_id uuid not null references stacks,
      label text not null check (label ~ '^\\S{1,64}$'),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint stack_labels_key unique (stack_id, label)
    )`;
  await sql`create index stack_labels_label_idx on stack_labels (label, stack_id)`;
  await sql`
    create table stack_annotations (
      id uuid primary key default gen_random_uuid(),
      stack_id uuid not null references stacks,
      key text not null check (key ~ '^\\S{1,64}$'),
      value text not null check (value ~ '^\\S{1,64}$'),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint stack_annotations_key unique (stack_id, key)
    )`;
  await sql`create index stack_annotations_value_idx on stack_annotations (key, value, stack_id)`;
}

async function deploymentObjects(sql: Sql): Promise<void> {
  await sql`
    create table deployment_objects (
      id uuid primary key default gen_random_uuid(),
      sequence_id bigserial not null constraint deployment_objects_sequence_id_key unique,
      stack_id uuid not null references stacks,
      yaml_content text not null,
      yaml_checksum text not null check (yaml_checksum ~ '^[0-9a-f]{64}$'),
      submitted_at timestamptz not null default now(),
      is_deletion_marker boolean not null default false,
      traceparent text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      deleted_at timestamptz
    )`;
  await sql`
    create index deployment_objects_newest_idx on deployment_objects (stack_id, sequence_id desc)
    where deleted_at is null`;
}
