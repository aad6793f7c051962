import type { Sql } from "$lib/database.ts";

/**
 * The policies in what a snapshot says. Whoever reads `snapshot_stacks` holds `associations` too, so that to take that
 * one first is to wait for one thing only.
 */
export async function snapshotPolicies(sql: Sql): Promise<void> {
  await associations(sql);
  await snapshotStacks(sql);
}

/** As in step 3, with what the look-up of the stack finds besides. */
async function associations(sql: Sql): Promise<void> {
  await sql`
    create or replace view associations as
    select leg.agent_id, leg.stack_id, stack.name, stack.generator_id,
      stack.suspended, stack.drift, stack.default_namespace
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
      select name, generator_id, suspended, drift, default_namespace from stacks
      where stacks.id = leg.stack_id and stacks.deleted_at is null offset 0
    ) stack
    cross join lateral (
      select from agents where agents.id = leg.agent_id and agents.deleted_at is null offset 0
    ) agent`;
}

async function snapshotStacks(sql: Sql): Promise<void> {
  await sql`
    create or replace view snapshot_stacks as
    select association.agent_id, association.stack_id, association.name, association.generator_id,
      case when newest.is_deletion_marker and delivery.state = 'terminating' then 'terminating'
        else 'present' end as state,
      case when not newest.is_deletion_marker then newest.id end as object_id,
      newest.sequence_id, newest.yaml_checksum, newest.size_bytes, newest.submitted_at, newest.traceparent,
      delivery.id is not null and delivery.delivered_at is null as is_undelivered,
      association.suspended, association.drift, association.default_namespace
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
      null, null, null, null, null, false, stack.suspended, stack.drift, stack.default_namespace
    from deliveries delivery
    cross join lateral (
      select name, generator_id, suspended, drift, default_namespace from stacks
      where stacks.id = delivery.stack_id and stacks.deleted_at is not null offset 0
    ) stack
    where delivery.state = 'terminating'`;
}
