import type { Sql } from "$lib/database.ts";

/** Who gets what, how far it is, and what agents said. */
export async function deliveries(sql: Sql): Promise<void> {
  await sql`
    create table deliveries (
      id uuid primary key default gen_random_uuid(),
      agent_id uuid not null references agents,
      stack_id uuid not null references stacks,
      desired_object_id uuid not null references deployment_objects,
      applied_object_id uuid references deployment_objects,
      state text not null default 'pending' check
        (state in ('pending', 'applying', 'applied', 'failed', 'blocked', 'terminating', 'removed')),
      reason text,
      message text,
      attempts integer not null default 0 check (attempts >= 0),
      first_seen_at timestamptz,
      held_revision bigint,
      desired_at timestamptz not null default now(),
      delivered_at timestamptz,
      applied_at timestamptz,
      observed_at timestamptz not null default now(),
      next_retry_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint deliveries_key unique (agent_id, stack_id)
    ) with (fillfactor = 80)`;
  await sql`create index deliveries_stack_idx on deliveries (stack_id)`;
  await sql`create index deliveries_removed_idx on deliveries (observed_at) where state = 'removed'`;
  await sql`create index deliveries_held_idx on deliveries (agent_id) where reason = 'prune_held'`;
  await agentEvents(sql);
  await associations(sql);
  await desiredObjects(sql);
  await snapshotStacks(sql);
}

async function agentEvents(sql: Sql): Promise<void> {
  await sql`
    create table agent_events (
      id uuid primary key default gen_random_uuid(),
      agent_id uuid not null references agents,
      deployment_object_id uuid not null references deployment_objects,
      event_type text not null check (event_type in ('DEPLOY', 'DELETE')),
      status text not null check (status in ('SUCCESS', 'FAILURE')),
      message text,
      boot_id uuid,
      seq bigint,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`;
  await sql`
    create unique index agent_events_report_key on agent_events (agent_id, boot_id, seq)
    where boot_id is not null and seq is not null`;
  await sql`create index agent_events_agent_idx on agent_events (agent_id, created_at desc, id desc)`;
  await sql`create index agent_events_created_at_idx on agent_events (created_at desc, id desc)`;
}

/**
 * Asked for one agent or one stack, each leg starts at an index: PostgreSQL pushes such a condition into a union.
 * `offset 0` keeps a lookup by id a lookup by id, whatever the planner guesses of the number of rows before it.
 */
async function associations(sql: Sql): Promise<void> {
  await sql`
    create view associations as
    select leg.agent_id, leg.stack_id, stack.name, stack.generator_id
    from (
      select target.agent_id, target.stack_id from agent_targets target
      union
      select agent.agent_id, stack.stack_id
      from agent_labels agent
      join stack_labels stack on stack.label = agent.label
      cross join lateral (select generator_id from stacks where stacks.id = stack.stack_id offset 0) owned
      join agent_generator_registrations consent
        on consent.agent_id = agent.agent_id and consent.generator_id = owned.generator_id
      union
      select agent.agent_id, stack.stack_id
      from agent_annotations agent
      join stack_annotations stack on stack.key = agent.key and stack.value = agent.value
      cross join lateral (select generator_id from stacks where stacks.id = stack.stack_id offset 0) owned
      join agent_generator_registrations consent
        on consent.agent_id = agent.agent_id and consent.generator_id = owned.generator_id
    ) leg
    cross join lateral (
      select name, generator_id from stacks where stacks.id = leg.stack_id and stacks.deleted_at is null offset 0
    ) stack
    cross join lateral (
      select from agents where agents.id = leg.agent_id and agents.deleted_at is null offset 0
    ) agent`;
}

async function desiredObjects(sql: Sql): Promise<void> {
  await sql`
    create view desired_objects as
    select association.agent_id, association.stack_id, newest.id as object_id, newest.is_deletion_marker
    from associations association
    cross join lateral (
      select object.id, object.is_deletion_marker from deployment_objects object
      where object.stack_id = association.stack_id and object.deleted_at is null
      order by object.sequence_id desc limit 1
    ) newest`;
}

/** What a snapshot says of each stack. Deleted stacks are in it until they are reported removed. */
async function snapshotStacks(sql: Sql): Promise<void> {
  await sql`
    create view snapshot_stacks as
    select association.agent_id, association.stack_id, association.name, association.generator_id,
      case when newest.is_deletion_marker and delivery.state = 'terminating' then 'terminating'
        else 'present' end as state,
      case when not newest.is_deletion_marker then newest.id end as object_id,
      newest.sequence_id, newest.yaml_checksum, newest.size_bytes, newest.submitted_at, newest.traceparent,
      delivery.id is not null and delivery.delivered_at is null as is_undelivered
    from associations association
    left join lateral (
      select object.id, object.is_deletion_marker, object.sequence_id, object.yaml_checksum,
        octet_length(object.yaml_content) as size_bytes, object.submitted_at, object.traceparent
      from deployment_objects object
      where object.stack_id = association.stack_id and object.deleted_at is null
      order by object.sequence_id desc limit 1
    ) newest on true
    left join deliveries delivery
      on delivery.agent_id = association.agent_id and delivery.stack_id = association.stack_id
    union all
    select delivery.agent_id, delivery.stack_id, stack.name, stack.generator_id, 'terminating', null,
      null, null, null, null, null, false
    from deliveries delivery
    cross join lateral (
      select name, generator_id from stacks
      where stacks.id = delivery.stack_id and stacks.deleted_at is not null offset 0
    ) stack
    where delivery.state = 'terminating'`;
}
