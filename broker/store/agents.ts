import type { Sql, SqlFragment, Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import { mayRotate } from "../domain/access.ts";
import {
  type Agent,
  type AgentChange,
  type AgentStatus,
  ageOf,
  type DeliveryCount,
  type NewAgent,
} from "../domain/agent.ts";
import type { ChangedKeys } from "../domain/notice.ts";
import { gatheredHeartbeats, heartbeatAge, lastSaid } from "./agent_heartbeats.ts";
import { limitLockWaits, lockAgent } from "./changes.ts";
import { endKey, isFormer, type KeysChanged } from "./former_keys.ts";
import type { Handle } from "./handle.ts";
import { agentNotFound } from "./missing.ts";
import type { AgentStore } from "./mod.ts";
import { pageClauses, toPage } from "./paging.ts";

/** A row as {@linkcode agentColumns} read it. */
export interface AgentRow {
  readonly id: string;
  readonly name: string;
  readonly cluster_name: string;
  readonly status: AgentStatus;
  readonly last_heartbeat: Date | null;
  readonly heartbeat_age_seconds: number | null;
  readonly k8s_reachable: boolean | null;
  readonly k8s_api_latency_ms: number | null;
  readonly k8s_reported_at: Date | null;
  readonly k8s_version: string | null;
  readonly agent_version: string | null;
  readonly delivery_counts: readonly DeliveryCount[] | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Signs of life of {@linkcode AgentStore}, over the table `agent_heartbeats`. */
export function heartbeatStore(handle: Handle): Pick<AgentStore, "heartbeat"> {
  const heartbeats = gatheredHeartbeats(handle);
  return {
    async heartbeat(id, heartbeat) {
      if (!await heartbeats.call({ agentId: id, ...heartbeat })) throw agentNotFound(id);
    },
  };
}

/** The rest of {@linkcode AgentStore}, over the tables `agents` and `agent_heartbeats`. */
export function agentStore(
  { sql, transaction, notices }: Handle,
  keysChanged: KeysChanged,
): Omit<AgentStore, "heartbeat"> {
  return {
    add: (agent) =>
      transaction(async (tx) => {
        const [row] = await tx<{ id: string }>`
          insert into agents (name, cluster_name, pak_hash)
          values (${agent.name}, ${agent.clusterName}, ${agent.pakHash})
          returning id`;
        if (row === undefined) throw agentNotFound(agent.name);
        await register(tx, row.id, agent);
        return await getAgent(tx, row.id);
      }, () => notices.changed("agents")),
    get: (id) => getAgent(sql, id),
    async getByName(name, clusterName) {
      const [row] = await sql<AgentRow>`
        select ${agentColumns(sql)} from ${agentsWithHeartbeats(sql)}
        where name = ${name} and cluster_name = ${clusterName} and deleted_at is null`;
      return toAgent(found(row, name));
    },
    async list({ name, generatorId }, paging = {}) {
      const { position, after, limit } = pageClauses(sql, paging);
      const named = name === undefined ? sql.fragment`` : sql.fragment`and name = ${name}`;
      const registered = generatorId === undefined ? sql.fragment`` : sql.fragment`
        and id in (select agent_id from agent_generator_registrations where generator_id = ${generatorId})`;
      const rows = await sql<AgentRow & { position: string }>`
        select ${agentColumns(sql)}, ${position} from ${agentsWithHeartbeats(sql)}
        where deleted_at is null ${named} ${registered} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toAgent);
    },
    change: (id, change) =>
      transaction((tx) => changeAgent(tx, id, change), () => {
        notices.changed("agents");
        if (change.status !== undefined) notices.agentsChanged([id]);
      }),
    async remove(id) {
      await transaction((tx) => removeAgent(tx, id), (ended) => {
        keysChanged(ended);
        notices.changed("agents");
      });
    },
    async changePak(id, key) {
      const { pakHash, keepsFormer } = key;
      const { agent } = await transaction(async (tx) => {
        const former = await lockedKey(tx, id);
        mayRotate({ role: "agent", id, isByFormerKey: isFormer(key, former) });
        await tx`update agents set pak_hash = ${pakHash}, updated_at = now() where id = ${id}`;
        const ended = await endKey(tx, { role: "agent", id, pakHash: former, isKept: keepsFormer });
        return { agent: await getAgent(tx, id), ended };
      }, ({ ended }) => keysChanged(ended));
      return agent;
    },
    async approvePrune(id, { revision, stackId }) {
      await transaction(async (tx) => {
        await limitLockWaits(tx);
        await lockAgent(tx, id);
        return await approveHeld(tx, { agentId: id, stackId }, revision);
      }, (isChanged) => isChanged && notices.agentsChanged([id]));
    },
  };
}

async function lockedKey(tx: Transaction, id: string): Promise<string> {
  await limitLockWaits(tx);
  const [row] = await tx<{ pak_hash: string }>`
    select pak_hash from agents where id = ${id} and deleted_at is null for no key update`;
  if (row === undefined) throw agentNotFound(id);
  return row.pak_hash;
}

async function removeAgent(tx: Transaction, id: string): Promise<ChangedKeys> {
  const pakHash = await lockedKey(tx, id);
  await tx`update agents set deleted_at = now(), updated_at = now(), prune_approved = null where id = ${id}`;
  await tx`delete from deliveries where agent_id = ${id}`;
  await tx`delete from agent_delivery_counts where agent_id = ${id}`;
  await tx`delete from agent_labels where agent_id = ${id}`;
  await tx`delete from agent_annotations where agent_id = ${id}`;
  await tx`delete from agent_targets where agent_id = ${id}`;
  return await endKey(tx, { role: "agent", id, pakHash, isKept: false });
}

async function getAgent(sql: Sql, id: string): Promise<Agent> {
  const [row] = await sql<AgentRow>`
    select ${agentColumns(sql)} from ${agentsWithHeartbeats(sql)} where id = ${id} and deleted_at is null`;
  return toAgent(found(row, id));
}

async function changeAgent(tx: Transaction, id: string, { name, clusterName, status }: AgentChange): Promise<Agent> {
  await limitLockWaits(tx);
  const rows = await tx`
    update agents set
      name = coalesce(${name ?? null}, name),
      cluster_name = coalesce(${clusterName ?? null}, cluster_name),
      status = coalesce(${status ?? null}, status),
      revision = revision + case when coalesce(${status ?? null}, status) <> status then 1 else 0 end,
      updated_at = now()
    where id = ${id} and deleted_at is null
    returning id`;
  if (rows.length === 0) throw agentNotFound(id);
  return await getAgent(tx, id);
}

/**
 * Each delivery keeps its own approval, so that one does not end when another is given. `prune_approved` is what agents
 * of 0.10.0 hear. Whether any was not yet approved.
 */
async function approveHeld(
  tx: Transaction,
  { agentId, stackId }: { readonly agentId: string; readonly stackId: string | undefined },
  revision: number,
): Promise<boolean> {
  const isMeant = stackId === undefined
    ? tx.fragment`reason = 'prune_held'`
    : tx.fragment`stack_id = ${stackId} and reason in ('prune_held', 'namespace_not_empty')`;
  const [held] = await tx<{ all: number; approved: number }>`
    select count(*)::integer as all, count(*) filter (where approved_revision = ${revision})::integer as approved
    from deliveries where agent_id = ${agentId} and held_revision = ${revision} and ${isMeant}`;
  if (held === undefined || held.all === 0) {
    const what = stackId === undefined ? "nothing" : `nothing of stack "${stackId}"`;
    throw new Failure(
      "nothing_held",
      `Cannot approve pruning: agent "${agentId}" holds ${what} at revision ${revision}`,
    );
  }
  if (held.approved === held.all) return false;
  await tx`
    update deliveries set approved_revision = ${revision}, updated_at = now()
    where agent_id = ${agentId} and held_revision = ${revision} and ${isMeant}`;
  await tx`
    update agents set revision = revision + 1,
      prune_approved = case when ${stackId === undefined} then ${revision}::bigint else prune_approved end
    where id = ${agentId}`;
  return true;
}

/** Every agent receives from the system generator. */
async function register(sql: Sql, agentId: string, { generatorIds }: NewAgent): Promise<void> {
  const rows = await sql<{ generator_id: string }>`
    insert into agent_generator_registrations (agent_id, generator_id)
    select ${agentId}, id from generators
    where deleted_at is null and (is_system or id = any(${generatorIds}))
    returning generator_id`;
  const registered = new Set(rows.map(({ generator_id }) => generator_id));
  const unknown = generatorIds.find((id) => !registered.has(id));
  if (unknown !== undefined) {
    throw new Failure("invalid_generator_id", `Cannot register with generator "${unknown}": there is none`);
  }
}

/** What is read of agents, of {@linkcode agentsWithHeartbeats}. */
export function agentColumns(sql: Sql): SqlFragment {
  return sql.fragment`id, name, cluster_name, status, ${lastSaid(sql)}, ${heartbeatAge(sql)} as heartbeat_age_seconds,
    (
      select jsonb_agg(jsonb_build_object('state', state, 'health', health, 'deliveries', deliveries))
      from agent_delivery_counts where agent_id = agents.id and deliveries > 0
    ) as delivery_counts, created_at, updated_at`;
}

/** The table with what each agent last said. */
export function agentsWithHeartbeats(sql: Sql): SqlFragment {
  return sql.fragment`agents left join agent_heartbeats heartbeat on heartbeat.agent_id = agents.id`;
}

function found(row: AgentRow | undefined, id: string): AgentRow {
  if (row === undefined) throw agentNotFound(id);
  return row;
}

/** Reads a row. */
export function toAgent(row: AgentRow): Agent {
  return {
    id: row.id,
    name: row.name,
    clusterName: row.cluster_name,
    status: row.status,
    lastHeartbeat: row.last_heartbeat ?? undefined,
    heartbeatAgeSeconds: ageOf(row.heartbeat_age_seconds),
    k8sReachable: row.k8s_reachable ?? undefined,
    k8sApiLatencyMs: row.k8s_api_latency_ms ?? undefined,
    k8sReportedAt: row.k8s_reported_at ?? undefined,
    k8sVersion: row.k8s_version ?? undefined,
    agentVersion: row.agent_version ?? undefined,
    deliveries: row.delivery_counts ?? [],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
