import type { Sql, SqlFragment, Transaction } from "$lib/database.ts";
import { type Changed, CHANGES, writeNotice } from "../domain/notice.ts";
import { agentNotFound, stackNotFound } from "./missing.ts";

/** Whose desired state may change: one agent's, one stack's, or that of the pair. */
export type Scope =
  | { readonly agentId: string; readonly stackId?: string }
  | { readonly agentId?: undefined; readonly stackId: string };

/** What a change does beside its own statement. */
export interface ChangeOptions {
  readonly scope: Scope;
  /** Whether it can make or end an association; such changes wait for every other change, and every other for them. */
  readonly associations: "change" | "stay";
  /** Of a stack: whether it may be a deleted one that is suspended, for agents wait for the end of that. */
  readonly isLeftoverToo?: boolean;
  /** What the notice names. */
  readonly changed: readonly Changed[];
}

/**
 * Runs `work`, which changes what agents are to have, and brings the deliveries and revisions of its scope in line with
 * it, in the transaction given: the one way in which anything desired changes.
 *
 * Two changes at once neither miss one another nor wait in a circle. Locks are taken in one order: the stack, the
 * associations, the agents by their ids. Who changes associations is alone; what the others compare cannot move, for
 * they hold every agent of their scope. Whoever locks one agent only takes none of the others after it.
 *
 * @throws {Failure} `stack_not_found` when the scope is a stack that is not there.
 */
export async function changing<T>(tx: Transaction, options: ChangeOptions, work: () => Promise<T>): Promise<T> {
  const { scope, associations, changed, isLeftoverToo = false } = options;
  if (scope.agentId === undefined) await lockStack(tx, scope.stackId, { isLeftoverToo });
  await lockAssociations(tx, associations);
  await lockAgents(tx, scope);
  const before = await digests(tx, scope);
  const result = await work();
  if (associations === "change") await lockAgents(tx, scope);
  await settleDeliveries(tx, scope);
  await raiseRevisions(tx, scope, before);
  await endApprovals(tx, scope);
  await tx.notify(CHANGES, writeNotice(changed));
  return result;
}

/** Runs `work`, in which an agent held by {@linkcode lockAgent} changes its own delivery, and raises its revision. */
export async function reporting<T>(tx: Transaction, scope: Scope, work: () => Promise<T>): Promise<T> {
  const before = await digests(tx, scope);
  const result = await work();
  await raiseRevisions(tx, scope, before);
  await endApprovals(tx, scope);
  return result;
}

/**
 * Waits for and holds one agent until the transaction ends.
 *
 * @throws {Failure} `agent_not_found`
 */
export async function lockAgent(tx: Transaction, agentId: string): Promise<void> {
  const rows = await tx`select id from agents where id = ${agentId} and deleted_at is null for no key update`;
  if (rows.length === 0) throw agentNotFound(agentId);
}

async function lockStack(
  tx: Transaction,
  stackId: string,
  { isLeftoverToo }: { readonly isLeftoverToo: boolean },
): Promise<void> {
  const rows = await tx`
    select id from stacks
    where id = ${stackId} and (deleted_at is null or ${isLeftoverToo}::boolean and suspended) for no key update`;
  if (rows.length === 0) throw stackNotFound(stackId);
}

/** Whoever makes or ends associations holds this alone; whoever relies on them holds it with others. */
async function lockAssociations(tx: Sql, associations: ChangeOptions["associations"]): Promise<void> {
  if (associations === "change") {
    await tx`select pg_advisory_xact_lock(hashtext(current_schema()), hashtext('associations'))`;
    return;
  }
  await tx`select pg_advisory_xact_lock_shared(hashtext(current_schema()), hashtext('associations'))`;
}

async function lockAgents(tx: Sql, scope: Scope): Promise<void> {
  await tx`
    select count(*) as locked from (
      select id from agents
      where deleted_at is null and id in (
        select agent_id from associations where ${matching(tx, scope)}
        union
        select agent_id from deliveries where ${matching(tx, scope)}
      )
      order by id
      for no key update
    ) agent`;
}

/** What the snapshots say of the scope now, one digest an agent, as text that only {@linkcode raiseRevisions} reads. */
async function digests(tx: Sql, scope: Scope): Promise<string> {
  const [row] = await tx<{ digests: string }>`
    select coalesce(jsonb_object_agg(agent_id, digest), '{}')::text as digests
    from (${digestOfEach(tx, scope)}) agent`;
  return row?.digests ?? "{}";
}

function digestOfEach(tx: Sql, scope: Scope): SqlFragment {
  return tx.fragment`
    select agent_id, md5(string_agg(line, ',' order by line)) as digest
    from (
      select agent_id, row(stack_id, name, state, object_id, suspended, drift, default_namespace)::text as line
      from snapshot_stacks where ${matching(tx, scope)}
      union all
      select agent_id, row(stack_id, approved_revision)::text from deliveries
      where ${matching(tx, scope)} and reason = 'namespace_not_empty' and approved_revision is not null
    ) said group by agent_id`;
}

/**
 * Makes a delivery for every association with a live object, starts those anew whose object is another or that had
 * ended; makes `terminating` those that are no longer to be there, and deletes them where the agent never saw any of it.
 */
async function settleDeliveries(tx: Sql, scope: Scope): Promise<void> {
  await tx`
    with wanted as materialized (
      select agent_id, stack_id, object_id, is_deletion_marker from desired_objects where ${matching(tx, scope)}
    ), current as materialized (
      select id, agent_id, stack_id, desired_object_id, state, first_seen_at
      from deliveries where ${matching(tx, scope)}
    ), unwanted as materialized (
      select current.id, current.state, current.first_seen_at, current.desired_object_id,
        coalesce(wanted.object_id, current.desired_object_id) as object_id
      from current left join wanted using (agent_id, stack_id)
      where wanted.is_deletion_marker is not false
    ), forgotten as (
      delete from deliveries where id in (select id from unwanted where first_seen_at is null)
    ), ending as (
      update deliveries set
        state = case when unwanted.state = 'removed' then 'removed' else 'terminating' end,
        desired_object_id = unwanted.object_id,
        desired_at = case when unwanted.object_id = unwanted.desired_object_id then desired_at else now() end,
        delivered_at = case when unwanted.object_id = unwanted.desired_object_id then delivered_at end,
        applied_at = case when unwanted.object_id = unwanted.desired_object_id then applied_at end,
        reason = null, message = null, held_revision = null, approved_revision = null, attempts = 0,
        next_retry_at = null, observed_at = now(), updated_at = now()
      from unwanted
      where deliveries.id = unwanted.id and unwanted.first_seen_at is not null
        and (unwanted.state not in ('terminating', 'removed') or unwanted.object_id <> unwanted.desired_object_id)
    )
    insert into deliveries as delivery (agent_id, stack_id, desired_object_id)
    select wanted.agent_id, wanted.stack_id, wanted.object_id
    from wanted left join current using (agent_id, stack_id)
    where not wanted.is_deletion_marker
      and (current.id is null or current.desired_object_id <> wanted.object_id
        or current.state in ('terminating', 'removed'))
    on conflict (agent_id, stack_id) do update set
      first_seen_at = case when delivery.state <> 'removed' then delivery.first_seen_at end,
      desired_object_id = excluded.desired_object_id, desired_at = now(), delivered_at = null,
      applied_at = case when ${isStillApplied(tx)} then now() end,
      state = case when ${isStillApplied(tx)} then 'applied' else 'pending' end,
      observed_at = case when ${isStillApplied(tx)} then delivery.observed_at else now() end,
      reason = null, message = null, held_revision = null, approved_revision = null, attempts = 0, next_retry_at = null,
      yielded = case when ${isStillApplied(tx)} then delivery.yielded end,
      results = case when delivery.state <> 'removed' then delivery.results end, updated_at = now()`;
}

/**
 * Whether an association returned with the very object that the agent last said it applied, and no removal was heard of:
 * the agent may never learn that it was gone, and then says nothing new. Should it have begun to remove, it reports that.
 */
function isStillApplied(tx: Sql): SqlFragment {
  return tx.fragment`(delivery.state = 'terminating' and delivery.applied_object_id = excluded.desired_object_id)`;
}

/** Raises the revision of exactly those agents whose snapshot says something else than `before`. */
async function raiseRevisions(tx: Sql, scope: Scope, before: string): Promise<void> {
  await tx`
    update agents set revision = revision + 1
    where id = any(array(
      select agent_id
      from (select key::uuid as agent_id, value as digest from jsonb_each_text(${before}::text::jsonb)) before
      full join (${digestOfEach(tx, scope)}) after using (agent_id)
      where before.digest is distinct from after.digest
    ))`;
}

/** An approval is over when nothing of its agent is held any more. A change of one agent's leaves the others alone. */
async function endApprovals(tx: Sql, { agentId }: Scope): Promise<void> {
  const inScope = agentId === undefined ? tx.fragment`` : tx.fragment`and id = ${agentId}`;
  await tx`
    update agents set prune_approved = null, revision = revision + 1
    where prune_approved is not null and not exists (
      select from deliveries where deliveries.agent_id = agents.id and deliveries.reason = 'prune_held'
    ) ${inScope}`;
}

function matching(tx: Sql, scope: Scope): SqlFragment {
  if (scope.agentId === undefined) return tx.fragment`stack_id = ${scope.stackId}`;
  if (scope.stackId === undefined) return tx.fragment`agent_id = ${scope.agentId}`;
  return tx.fragment`agent_id = ${scope.agentId} and stack_id = ${scope.stackId}`;
}
