import type { Sql } from "$lib/database.ts";

/** A snapshot says of each object's submission what vendors said of its trace, too. */
export async function snapshotTracestates(sql: Sql): Promise<void> {
  await sql`
    create or replace view snapshot_stacks as
    select delivery.agent_id, delivery.stack_id, stack.name, stack.generator_id,
      case when delivery.state = 'terminating' then 'terminating' else 'present' end as state,
      case when delivery.state <> 'terminating' then object.id end as object_id,
      object.sequence_id, object.yaml_checksum, object.size_bytes, object.submitted_at,
      case when left(delivery.traceparent, 53) = left(object.traceparent, 53) then delivery.traceparent
        else object.traceparent end as traceparent,
      delivery.delivered_at is null as is_undelivered,
      stack.suspended, stack.drift, stack.default_namespace, object.tracestate
    from deliveries delivery
    cross join lateral (
      select name, generator_id, suspended, drift, default_namespace, deleted_at from stacks
      where stacks.id = delivery.stack_id offset 0
    ) stack
    cross join lateral (
      select id, is_deletion_marker, sequence_id, yaml_checksum, octet_length(yaml_content) as size_bytes,
        submitted_at, traceparent, tracestate
      from deployment_objects where deployment_objects.id = delivery.desired_object_id offset 0
    ) object
    where delivery.state <> 'removed'
      and (delivery.state <> 'terminating' or object.is_deletion_marker or stack.deleted_at is not null)
    union all
    select association.agent_id, association.stack_id, association.name, association.generator_id, 'present', null,
      null, null, null, null, null, false,
      association.suspended, association.drift, association.default_namespace, null
    from associations association
    left join deliveries delivery
      on delivery.agent_id = association.agent_id and delivery.stack_id = association.stack_id
    left join lateral (
      select object.is_deletion_marker from deployment_objects object
      where object.stack_id = association.stack_id and object.deleted_at is null
      order by object.sequence_id desc limit 1
    ) newest on true
    where (delivery.id is null or delivery.state = 'removed') and newest.is_deletion_marker is not false`;
}
