import type { Sql } from "$lib/database.ts";
import type { DriftPolicy } from "$lib/wire/stack.ts";
import type { AgentStatus } from "../domain/agent.ts";
import type { ObserveDelivery } from "../domain/delivery_times.ts";
import type { ApprovedStack, Snapshot, SnapshotStack, SnapshotVersion, TracedRemoval } from "../domain/snapshot.ts";
import { traceDeliveryWait } from "./delivery_spans.ts";
import { type ObjectHeadRow, toObjectHead } from "./deployment_objects.ts";
import { Gathered } from "./gathered.ts";
import type { Handle } from "./handle.ts";
import { agentNotFound } from "./missing.ts";
import type { SnapshotStore } from "./mod.ts";

/** {@linkcode SnapshotStore} over the views of what agents are to have. */
export function snapshotStore(handle: Handle, observe: ObserveDelivery): SnapshotStore {
  const { sql } = handle;
  const versions = gatheredVersions(handle);
  const markFree = gatheredMarks(handle, { observe, isPatient: false });
  const markHeld = gatheredMarks(handle, { observe, isPatient: true });

  /**
   * Reads what the agent itself is told, and marks it as delivered: anew while something of it has changed in between.
   */
  async function delivered<Row>(agentId: string, read: () => Promise<ReadRows<Row>>): Promise<readonly Row[]> {
    for (;;) {
      const { rows, objectIds } = await read();
      const polled = { agentId, objectIds };
      if (objectIds.length === 0 || await markFree.call(polled) || await markHeld.call(polled)) return rows;
    }
  }

  return {
    async version(agentId) {
      const version = await versions.call(agentId);
      if (version === undefined) throw agentNotFound(agentId);
      return version;
    },
    async read(agentId, { isOwn }) {
      const read = async () => {
        const rows = await snapshotRows(sql, agentId);
        return { rows, objectIds: rows.filter(isUndelivered).map(({ object_id }) => object_id) };
      };
      const rows = isOwn ? await delivered(agentId, read) : (await read()).rows;
      return toSnapshot(rows, { agentId, isDelivered: isOwn || !rows.some(isUndelivered) });
    },
    async targetState(agentId, { mode, isOwn }) {
      const read = async () => {
        const rows = await targetRows(sql, { agentId, isIncremental: mode === "incremental" });
        return { rows, objectIds: rows.filter(({ is_undelivered }) => is_undelivered).map(({ id }) => id) };
      };
      const rows = isOwn ? await delivered(agentId, read) : (await read()).rows;
      if (rows.length === 0) await this.version(agentId);
      return rows.map(toObjectHead);
    },
  };
}

/** Reads of revisions that arrive together are one statement: most polls ask for nothing else. */
function gatheredVersions(
  { sql, tracing }: Pick<Handle, "sql" | "tracing">,
): Gathered<string, SnapshotVersion | undefined> {
  return new Gathered(async (agentIds) => {
    const rows = await sql<SnapshotVersion & { id: string }>`
      select agent.id, (select epoch from app) as epoch, agent.revision
      from unnest(${agentIds}::uuid[]) as asked (id)
      cross join lateral (
        select id, revision from agents where agents.id = asked.id and deleted_at is null offset 0
      ) agent`;
    const found = new Map(rows.map(({ id, epoch, revision }) => [id, { epoch, revision }]));
    return agentIds.map((id) => found.get(id));
  }, tracing);
}

interface ReadRows<Row> {
  readonly rows: readonly Row[];
  readonly objectIds: readonly string[];
}

/** What an agent is told that it was not told before. */
interface Polled {
  readonly agentId: string;
  readonly objectIds: readonly string[];
}

interface MarkOptions {
  readonly observe: ObserveDelivery;
  /** Whether it waits for agents that another transaction holds; else it marks nothing of them. */
  readonly isPatient: boolean;
}

/**
 * Marks that arrive together are one statement, as each commit waits for the disk; says of each whether all was marked.
 */
function gatheredMarks(
  { sql, whenLasting, tracing }: Handle,
  { observe, isPatient }: MarkOptions,
): Gathered<Polled, boolean> {
  const keyOf = (agentId: string, objectId: string) => `${agentId} ${objectId}`;
  return new Gathered(async (polls) => {
    const marked = await markDelivered(sql, polls, { isPatient });
    whenLasting(() => marked.forEach((row) => observeDelivered(row, { observe, tracing })));
    const keys = new Set(marked.map(({ agent_id, object_id }) => keyOf(agent_id, object_id)));
    return polls.map(({ agentId, objectIds }) => objectIds.every((objectId) => keys.has(keyOf(agentId, objectId))));
  }, tracing);
}

function observeDelivered(
  row: MarkedRow,
  { observe, tracing }: Pick<MarkOptions, "observe"> & Pick<Handle, "tracing">,
): void {
  const { agent_id: agentId, stack_id: stackId, object_id: objectId, seconds } = row;
  if (seconds === null) return;
  observe("delivered", seconds);
  const { traceparent, desired_ms: desiredMs, delivered_ms: deliveredMs } = row;
  if (traceparent === null) return;
  traceDeliveryWait(tracing, { agentId, stackId, objectId, traceparent, desiredMs, deliveredMs });
}

interface MarkedRow {
  readonly agent_id: string;
  readonly stack_id: string;
  readonly object_id: string;
  /** Of an object whose trace the agent goes on with. */
  readonly traceparent: string | null;
  readonly desired_ms: number;
  readonly delivered_ms: number;
  /** How long it took until the agent was told; null where it was told before. */
  readonly seconds: number | null;
}

/**
 * Marks as delivered what is still desired of what was read. Agents are held first, in the order of their ids, as by
 * everybody who changes several deliveries; what changes after this is another delivery. Thousands of deliveries may be
 * of one object, so its index is none to find one by: `is not distinct from` takes none.
 */
function markDelivered(
  sql: Sql,
  polls: readonly Polled[],
  { isPatient }: Pick<MarkOptions, "isPatient">,
): Promise<readonly MarkedRow[]> {
  const pairs = polls.flatMap(({ agentId, objectIds }) => objectIds.map((objectId) => ({ agentId, objectId })));
  return sql<MarkedRow>`
    with asked as materialized (
      select * from unnest(
        ${pairs.map(({ agentId }) => agentId)}::uuid[], ${pairs.map(({ objectId }) => objectId)}::uuid[]
      ) as asked (agent_id, object_id)
    ), held as materialized (
      select id from agents where id = any(${polls.map(({ agentId }) => agentId)}::uuid[]) and deleted_at is null
      order by id for no key update ${isPatient ? sql.fragment`` : sql.fragment`skip locked`}
    )
    update deliveries set
      delivered_at = coalesce(delivered_at, now()), first_seen_at = coalesce(first_seen_at, now()), updated_at = now()
    from asked join held on held.id = asked.agent_id
    where deliveries.agent_id = asked.agent_id and desired_object_id is not distinct from asked.object_id
    returning deliveries.agent_id, stack_id, desired_object_id as object_id,
      case when right(traceparent, 2) = '01' then (
        select object.traceparent from deployment_objects object
        where object.id = desired_object_id and object.traceparent = deliveries.traceparent
      ) end as traceparent,
      extract(epoch from desired_at)::double precision * 1000 as desired_ms,
      extract(epoch from delivered_at)::double precision * 1000 as delivered_ms, case when delivered_at = now() then
      greatest(0, extract(epoch from delivered_at - desired_at))::double precision end as seconds`;
}

interface ApprovedRow {
  readonly stack_id: string;
  readonly revision: number;
  readonly reason: "namespace_not_empty" | "prune_held";
}

interface SnapshotRow extends SnapshotVersion {
  readonly status: AgentStatus;
  readonly prune_approved: number | null;
  readonly approved: readonly ApprovedRow[] | null;
  readonly ended_stacks: readonly string[] | null;
  readonly removals: readonly RemovalRow[] | null;
  readonly stack_id: string | null;
  readonly name: string;
  readonly generator_id: string;
  readonly state: SnapshotStack["state"];
  readonly is_undelivered: boolean | null;
  readonly object_id: string | null;
  readonly sequence_id: number;
  readonly yaml_checksum: string;
  readonly size_bytes: number;
  readonly submitted_at: Date;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly suspended: boolean;
  readonly drift: DriftPolicy;
  readonly default_namespace: string | null;
}

interface RemovalRow {
  readonly stack_id: string;
  readonly traceparent: string;
  readonly tracestate: string | null;
  readonly asked_ms: number;
}

/** Revision and stacks in one statement, so that they belong together. */
function snapshotRows(sql: Sql, agentId: string): Promise<readonly SnapshotRow[]> {
  return sql<SnapshotRow>`
    select (select epoch from app) as epoch, agent.revision, agent.status, agent.prune_approved,
      (
        select jsonb_agg(
          jsonb_build_object('stack_id', stack_id, 'revision', approved_revision, 'reason', reason) order by stack_id)
        from deliveries
        where agent_id = ${agentId} and approved_revision is not null
          and reason in ('namespace_not_empty', 'prune_held')
      ) as approved,
      (
        select jsonb_agg(delivery.stack_id order by delivery.stack_id)
        from deliveries delivery
        cross join lateral (select deleted_at from stacks where id = delivery.stack_id offset 0) stack
        cross join lateral (
          select is_deletion_marker from deployment_objects where id = delivery.desired_object_id offset 0
        ) desired
        where delivery.agent_id = ${agentId} and delivery.state = 'terminating'
          and stack.deleted_at is null and not desired.is_deletion_marker
      ) as ended_stacks,
      (
        select jsonb_agg(jsonb_build_object(
          'stack_id', stack_id, 'traceparent', traceparent, 'tracestate', tracestate,
          'asked_ms', floor(extract(epoch from removal_asked_at) * 1000)
        ) order by stack_id)
        from deliveries
        where agent_id = ${agentId} and state = 'terminating'
          and removal_asked_at is not null and traceparent is not null
      ) as removals,
      stack.stack_id, stack.name, stack.generator_id, stack.state, stack.is_undelivered, stack.object_id,
      stack.sequence_id, stack.yaml_checksum, stack.size_bytes, stack.submitted_at, stack.traceparent,
      stack.tracestate, stack.suspended, stack.drift, stack.default_namespace
    from agents agent
    left join (
      select stack_id, name, generator_id, state, is_undelivered, object_id,
        sequence_id, yaml_checksum, size_bytes, submitted_at, traceparent, tracestate, suspended, drift,
        default_namespace
      from snapshot_stacks where agent_id = ${agentId}
    ) stack on true
    where agent.id = ${agentId} and agent.deleted_at is null
    order by stack.stack_id`;
}

function isUndelivered(row: SnapshotRow): row is SnapshotRow & { readonly object_id: string } {
  return row.is_undelivered === true && row.object_id !== null;
}

type TargetRow = ObjectHeadRow & { readonly is_undelivered: boolean };

/**
 * What is settled of each stack; of one that has nothing to be delivered, or no more, its deletion marker. Incremental
 * leaves out what the delivery says the agent has reported on: its history may be purged.
 */
function targetRows(
  sql: Sql,
  { agentId, isIncremental }: { readonly agentId: string; readonly isIncremental: boolean },
): Promise<readonly TargetRow[]> {
  return sql<TargetRow>`
    select object.id, object.sequence_id, object.stack_id, object.size_bytes, object.yaml_checksum,
      object.submitted_at, object.is_deletion_marker, object.body_kept, object.created_at, object.updated_at,
      (object.id = delivery.desired_object_id) is true and delivery.delivered_at is null as is_undelivered
    from (
      select coalesce(delivery.stack_id, marker.stack_id) as stack_id,
        case when delivery.state <> 'removed' then delivery.desired_object_id else marker.object_id end as object_id,
        delivery.desired_object_id, delivery.state, delivery.delivered_at
      from (
        select stack_id, desired_object_id, state, delivered_at from deliveries where agent_id = ${agentId}
      ) delivery
      full join (
        select stack_id, object_id from desired_objects where agent_id = ${agentId} and is_deletion_marker
      ) marker using (stack_id)
    ) delivery
    cross join lateral (
      select id, sequence_id, stack_id, octet_length(yaml_content) as size_bytes, yaml_checksum, submitted_at,
        is_deletion_marker, body_kept, created_at, updated_at
      from deployment_objects where deployment_objects.id = delivery.object_id offset 0
    ) object
    where (delivery.state is distinct from 'terminating' or object.is_deletion_marker)
      and (not ${isIncremental}::boolean
        or delivery.state is null or delivery.state in ('pending', 'applying', 'terminating'))
    order by object.sequence_id desc`;
}

function approvedFor(reason: ApprovedRow["reason"], { approved }: SnapshotRow): readonly ApprovedStack[] {
  const these = approved?.filter((one) => one.reason === reason) ?? [];
  return these.map(({ stack_id: stackId, revision }) => ({ stackId, revision }));
}

function toSnapshot(
  rows: readonly SnapshotRow[],
  { agentId, isDelivered }: { readonly agentId: string; readonly isDelivered: boolean },
): Snapshot {
  const [first] = rows;
  if (first === undefined) throw agentNotFound(agentId);
  return {
    epoch: first.epoch,
    revision: first.revision,
    isPaused: first.status === "INACTIVE",
    pruneApproved: first.prune_approved ?? undefined,
    approvedStacks: approvedFor("namespace_not_empty", first),
    approvedHeld: approvedFor("prune_held", first),
    endedStacks: first.ended_stacks ?? [],
    removals: (first.removals ?? []).map(toRemoval),
    stacks: rows.flatMap(toSnapshotStack),
    isDelivered,
  };
}

function toRemoval({ stack_id: stackId, traceparent, tracestate, asked_ms: askedMs }: RemovalRow): TracedRemoval {
  return { stackId, traceparent, ...(tracestate !== null && { tracestate }), askedAt: new Date(askedMs) };
}

/** No stack of an agent without any: its one row is the agent's. */
function toSnapshotStack(row: SnapshotRow): SnapshotStack[] {
  if (row.stack_id === null) return [];
  const { stack_id: stackId, name, generator_id: generatorId, state, suspended, drift } = row;
  const defaultNamespace = row.default_namespace ?? undefined;
  return [{ stackId, name, generatorId, state, suspended, drift, defaultNamespace, object: toSnapshotObject(row) }];
}

function toSnapshotObject(row: SnapshotRow): SnapshotStack["object"] {
  if (row.object_id === null) return undefined;
  return {
    id: row.object_id,
    sequenceId: row.sequence_id,
    checksum: row.yaml_checksum,
    sizeBytes: row.size_bytes,
    submittedAt: row.submitted_at,
    traceparent: row.traceparent ?? undefined,
    tracestate: row.tracestate ?? undefined,
  };
}
