import type { Sql, SqlFragment } from "$lib/database.ts";
import type { TraceHeaders } from "$lib/traceparent.ts";
import type { BegunLine, Line } from "./settle_lines.ts";

/** Whose deliveries are settled, and how. */
export interface SettleOptions {
  readonly agentIds: readonly string[];
  /** How many agents of one submission go on with its trace; the others name it. */
  readonly agentsPerTrace: number;
}

/** How much of a `traceparent` names the span; its flags follow. */
const SPAN_LENGTH = 53;
const [SAMPLED, NOT_SAMPLED] = ["01", "00"];

/**
 * Makes a delivery for every association with a live object, starts those anew whose object is another or that had
 * ended; makes `terminating` those that are no longer to be there, and deletes them where the agent never saw any of
 * it.
 *
 * @returns The agents whose snapshots say something else than before the change: what a delivery became says so, and
 * what was changed besides.
 */
export async function settleDeliveries(
  tx: Sql,
  line: BegunLine,
  { agentIds, agentsPerTrace }: SettleOptions,
): Promise<readonly string[]> {
  const inScope = matching(tx, line, agentIds);
  const rows = await tx<{ agent_id: string }>`
    with line as materialized (${coveredLines(tx, line)}
    ), before as materialized (${associatedBefore(tx, line, agentIds)}
    ), associated as materialized (
      select agent_id, stack_id from associations where ${inScope}
    ), wanted as materialized (${newestObjects(tx)}
    ), current as materialized (${currentDeliveries(tx, inScope)}
    ), unwanted as materialized (
      select current.id, current.agent_id, current.state, current.first_seen_at, current.desired_object_id,
        current.is_marker, current.is_approved, coalesce(wanted.object_id, current.desired_object_id) as object_id,
        wanted.object_id is not null as is_marked, greatest(wanted.submitted_at, ${line.createdAt}) as since,
        case when wanted.object_id is null then ${removalTraceparentOf(tx, line, agentsPerTrace)}
          else ${traceparentOf(tx, line, agentsPerTrace)} end as traceparent,
        case when wanted.object_id is null then ${line.removal?.tracestate ?? null} else wanted.tracestate end
          as tracestate
      from current left join wanted using (agent_id, stack_id)
      where wanted.is_deletion_marker is not false
    ), forgotten as (
      delete from deliveries where id in (select id from unwanted where first_seen_at is null)
      returning agent_id
    ), ended as (${endings(tx)}
    ), renewed as (${renewals(tx, line, traceparentOf(tx, line, agentsPerTrace))}
    )
    select agent_id from forgotten
    union select agent_id from renewed
    union select agent_id from ended where agent_id is not null
    union (${otherwiseChanged(tx)})`;
  return rows.map(({ agent_id }) => agent_id);
}

function matching(tx: Sql, { scope }: Line, agentIds: readonly string[]): SqlFragment {
  if (scope.agentId === undefined) return tx.fragment`stack_id = ${scope.stackId} and agent_id = any(${agentIds})`;
  if (scope.stackId === undefined) return tx.fragment`agent_id = ${scope.agentId}`;
  return tx.fragment`agent_id = ${scope.agentId} and stack_id = ${scope.stackId}`;
}

function coveredLines(tx: Sql, { id, scope, covers }: BegunLine): SqlFragment {
  const covered = scope.agentId === undefined
    ? tx.fragment`stack_id = ${scope.stackId} and agent_id is null and id <= ${covers}`
    : tx.fragment`id = ${id}`;
  return tx.fragment`select what, before from settle_lines where ${covered}`;
}

/** In how many of the lines each pair was associated before the change, of the agents whose turn it is. */
function associatedBefore(tx: Sql, { scope }: Line, agentIds: readonly string[]): SqlFragment {
  const isTheirs = scope.agentId === undefined ? tx.fragment`associated.id = any(${agentIds})` : tx.fragment`true`;
  const pair = scope.agentId === undefined
    ? tx.fragment`associated.id as agent_id, ${scope.stackId}::uuid as stack_id`
    : tx.fragment`${scope.agentId}::uuid as agent_id, associated.id as stack_id`;
  return tx.fragment`
    select ${pair}, count(*) as times from line cross join lateral unnest(line.before) as associated (id)
    where ${isTheirs} group by associated.id`;
}

function newestObjects(tx: Sql): SqlFragment {
  return tx.fragment`
    select associated.agent_id, associated.stack_id, newest.id as object_id, newest.is_deletion_marker,
      newest.submitted_at, newest.traceparent, newest.tracestate
    from associated cross join lateral (
      select object.id, object.is_deletion_marker, object.submitted_at, object.traceparent, object.tracestate
      from deployment_objects object
      where object.stack_id = associated.stack_id and object.deleted_at is null
      order by object.sequence_id desc limit 1
    ) newest`;
}

function currentDeliveries(tx: Sql, inScope: SqlFragment): SqlFragment {
  return tx.fragment`
    select delivery.id, delivery.agent_id, delivery.stack_id, delivery.desired_object_id, delivery.state,
      delivery.first_seen_at, desired.is_deletion_marker as is_marker, stack.deleted_at is not null as is_deleted,
      coalesce(
        delivery.reason in ('namespace_not_empty', 'prune_held') and delivery.approved_revision is not null, false
      ) as is_approved
    from deliveries delivery
    cross join lateral (
      select is_deletion_marker from deployment_objects where id = delivery.desired_object_id offset 0
    ) desired
    cross join lateral (select deleted_at from stacks where id = delivery.stack_id offset 0) stack
    where ${inScope}`;
}

/**
 * Of those that change, the ones of which the snapshot says it: one that was absent stays so unless a marker names it.
 */
function endings(tx: Sql): SqlFragment {
  return tx.fragment`
    update deliveries set
      state = case when unwanted.state = 'removed' then 'removed' else 'terminating' end,
      desired_object_id = unwanted.object_id,
      desired_at = case when unwanted.object_id = unwanted.desired_object_id then desired_at else unwanted.since end,
      delivered_at = case when unwanted.object_id = unwanted.desired_object_id then delivered_at end,
      applied_at = case when unwanted.object_id = unwanted.desired_object_id then applied_at end,
      healthy_at = case when unwanted.object_id = unwanted.desired_object_id then healthy_at end,
      traceparent = case when unwanted.state = 'terminating' then deliveries.traceparent
        else unwanted.traceparent end,
      tracestate = case when unwanted.state = 'terminating' then deliveries.tracestate else unwanted.tracestate end,
      removal_asked_at = case when unwanted.state = 'terminating' then removal_asked_at else unwanted.since end,
      trace_id = null,
      reason = null, message = null, held_revision = null, approved_revision = null, attempts = 0,
      next_retry_at = null, observed_at = now(), updated_at = now()
    from unwanted
    where deliveries.id = unwanted.id and unwanted.first_seen_at is not null
      and (unwanted.state not in ('terminating', 'removed') or unwanted.object_id <> unwanted.desired_object_id)
    returning case
      when unwanted.state not in ('terminating', 'removed') or unwanted.is_approved then deliveries.agent_id
      when unwanted.state = 'terminating' and not unwanted.is_marker and unwanted.is_marked then deliveries.agent_id
    end as agent_id`;
}

/**
 * What a delivery has of its object's `traceparent`. Of a recorded trace the first agents, in an order that is the same
 * wherever and however often it is settled, are told that it is recorded; whoever is associated later is none of them.
 */
function traceparentOf(tx: Sql, { scope, submission }: BegunLine, agentsPerTrace: number): SqlFragment {
  if (scope.agentId !== undefined || !isRecorded(submission)) {
    return tx.fragment`left(wanted.traceparent, ${SPAN_LENGTH}) || ${NOT_SAMPLED}`;
  }
  return tx.fragment`
    left(wanted.traceparent, ${SPAN_LENGTH}) || case
      when wanted.traceparent = ${submission.traceparent} and wanted.agent_id in (
        select agent_id from associations where stack_id = ${scope.stackId}
        order by md5(${traceIdOf(submission.traceparent)} || agent_id::text) limit ${agentsPerTrace}
      ) then ${SAMPLED} else ${NOT_SAMPLED} end`;
}

/** The same of what was asked for otherwise than by an object: the first agents of a stack, or stacks of an agent. */
function removalTraceparentOf(tx: Sql, { scope, removal }: BegunLine, agentsPerTrace: number): SqlFragment {
  if (removal === undefined) return tx.fragment`null::text`;
  const span = removal.traceparent.slice(0, SPAN_LENGTH);
  if (!isRecorded(removal)) return tx.fragment`${span + NOT_SAMPLED}::text`;
  const first = (id: SqlFragment, isTheirs: SqlFragment) =>
    tx.fragment`current.${id} in (
      select ${id} from deliveries where ${isTheirs}
      order by md5(${traceIdOf(removal.traceparent)} || ${id}::text) limit ${agentsPerTrace})`;
  const isFirst = scope.agentId === undefined
    ? first(tx.fragment`agent_id`, tx.fragment`stack_id = ${scope.stackId}`)
    : first(tx.fragment`stack_id`, tx.fragment`agent_id = ${scope.agentId}`);
  return tx.fragment`case when ${isFirst} then ${span + SAMPLED} else ${span + NOT_SAMPLED} end`;
}

function isRecorded(trace: TraceHeaders | undefined): trace is TraceHeaders {
  return trace?.traceparent.endsWith(`-${SAMPLED}`) === true;
}

function traceIdOf(traceparent: string): string {
  return traceparent.split("-")[1] ?? "";
}

function renewals(tx: Sql, { createdAt }: Line, traceparent: SqlFragment): SqlFragment {
  return tx.fragment`
    insert into deliveries as delivery (agent_id, stack_id, desired_object_id, desired_at, traceparent)
    select wanted.agent_id, wanted.stack_id, wanted.object_id, greatest(wanted.submitted_at, ${createdAt}),
      ${traceparent}
    from wanted left join current using (agent_id, stack_id)
    where not wanted.is_deletion_marker
      and (current.id is null or current.desired_object_id <> wanted.object_id
        or current.state in ('terminating', 'removed'))
    on conflict (agent_id, stack_id) do update set
      first_seen_at = case when delivery.state <> 'removed' then delivery.first_seen_at end,
      desired_object_id = excluded.desired_object_id, desired_at = excluded.desired_at, delivered_at = null,
      traceparent = excluded.traceparent, trace_id = null,
      applied_at = case when ${isApplied(tx)} then now() end,
      healthy_at = case when ${isApplied(tx)} and delivery.health = 'healthy' then now() end,
      state = case when ${isApplied(tx)} then 'applied' else 'pending' end,
      observed_at = case when ${isApplied(tx)} then delivery.observed_at else now() end,
      reason = null, message = null, held_revision = null, approved_revision = null, attempts = 0, next_retry_at = null,
      yielded = case when ${isApplied(tx)} then delivery.yielded end,
      results = case when delivery.state <> 'removed' then delivery.results end,
      unhealthy_since = case when delivery.state <> 'removed' then delivery.unhealthy_since end, updated_at = now()
    returning agent_id`;
}

/**
 * Whether it is the very object that the agent last said it applied, and no removal was heard of: the agent may never
 * learn that it was gone, or was the quicker of the two, and then says nothing new.
 */
function isApplied(tx: Sql): SqlFragment {
  return tx.fragment`(delivery.applied_object_id = excluded.desired_object_id)`;
}

/** What a snapshot says of deliveries that stay as they are, and of what has none. */
function otherwiseChanged(tx: Sql): SqlFragment {
  const isAny = (what: string) => tx.fragment`exists (select from line where what = ${what})`;
  return tx.fragment`
    select agent_id from current
    where ${isAny("deletion")} and state = 'terminating' and not is_marker
    union
    select agent_id from current
    where ${isAny("policy")} and state <> 'removed' and (state <> 'terminating' or is_marker or is_deleted)
    union
    select associated.agent_id from associated left join current using (agent_id, stack_id)
    where ${isAny("policy")} and (current.id is null or current.state = 'removed')
    union
    select agent_id from before full join associated using (agent_id, stack_id)
    left join current using (agent_id, stack_id)
    where (current.id is null or current.state = 'removed')
      and case when associated.agent_id is null then before.times > 0
        else coalesce(before.times, 0) < (select count(*) from line where before is not null) end`;
}
