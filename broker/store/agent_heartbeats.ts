import type { Sql, SqlFragment } from "$lib/database.ts";
import { CONNECTIVITIES, type Connectivity, type ConnectivityLimits, type Heartbeat } from "../domain/agent.ts";
import { Gathered } from "./gathered.ts";
import type { Handle } from "./handle.ts";

/** One agent's sign of life. */
export interface AgentHeartbeat extends Heartbeat {
  readonly agentId: string;
}

/** Signs of life that are answered when they are lasting: whether there is such an agent. */
export function gatheredHeartbeats(
  { sql, tracing }: Pick<Handle, "sql" | "tracing">,
): Gathered<AgentHeartbeat, boolean> {
  return new Gathered(async (heartbeats) => {
    const known = await beat(sql, lastOfEach(heartbeats));
    return heartbeats.map(({ agentId }) => known.has(agentId));
  }, tracing);
}

/** One for each agent, in the order of their ids, in which every replica locks them. */
function lastOfEach(heartbeats: readonly AgentHeartbeat[]): readonly AgentHeartbeat[] {
  const last = new Map<string, AgentHeartbeat>();
  for (const heartbeat of heartbeats) last.set(heartbeat.agentId, merged(last.get(heartbeat.agentId), heartbeat));
  return [...last.values()].sort((one, other) => one.agentId < other.agentId ? -1 : 1);
}

/** What the later one leaves unsaid, the earlier one said. */
function merged(earlier: AgentHeartbeat | undefined, later: AgentHeartbeat): AgentHeartbeat {
  const { k8sReachable, k8sApiLatencyMs } = later.k8sReachable === undefined ? { ...earlier } : later;
  return {
    agentId: later.agentId,
    ...{ k8sReachable, k8sApiLatencyMs },
    k8sVersion: later.k8sVersion ?? earlier?.k8sVersion,
    agentVersion: later.agentVersion ?? earlier?.agentVersion,
  };
}

async function beat(sql: Sql, heartbeats: readonly AgentHeartbeat[]): Promise<ReadonlySet<string>> {
  const column = <T>(of: (heartbeat: AgentHeartbeat) => T) => heartbeats.map(of);
  const rows = await sql<{ agent_id: string }>`
    insert into agent_heartbeats as known
      (agent_id, last_heartbeat, k8s_reachable, k8s_api_latency_ms, k8s_reported_at, k8s_version, agent_version)
    select said.agent_id, now(), said.reachable, said.latency_ms, case when said.reachable is not null then now() end,
      said.k8s_version, said.agent_version
    from unnest(
      ${column(({ agentId }) => agentId)}::uuid[],
      ${column(({ k8sReachable }) => k8sReachable ?? null)}::boolean[],
      ${column(({ k8sApiLatencyMs }) => k8sApiLatencyMs ?? null)}::integer[],
      ${column(({ k8sVersion }) => k8sVersion ?? null)}::text[],
      ${column(({ agentVersion }) => agentVersion ?? null)}::text[]
    ) as said (agent_id, reachable, latency_ms, k8s_version, agent_version)
    cross join lateral (select from agents where id = said.agent_id and deleted_at is null offset 0) living
    on conflict (agent_id) do update set
      last_heartbeat = now(),
      k8s_reachable = case when ${saysReachable(sql)} then excluded.k8s_reachable else known.k8s_reachable end,
      k8s_api_latency_ms =
        case when ${saysReachable(sql)} then excluded.k8s_api_latency_ms else known.k8s_api_latency_ms end,
      k8s_reported_at = coalesce(excluded.k8s_reported_at, known.k8s_reported_at),
      k8s_version = coalesce(excluded.k8s_version, known.k8s_version),
      agent_version = coalesce(excluded.agent_version, known.agent_version)
    returning agent_id`;
  return new Set(rows.map(({ agent_id }) => agent_id));
}

function saysReachable(sql: Sql): SqlFragment {
  return sql.fragment`excluded.k8s_reachable is not null`;
}

/**
 * The last heartbeat of a row of `agents` that is joined with `heartbeat`, its row of `agent_heartbeats` or none. A
 * broker of 0.10.0 writes it into `agents`: whichever is later counts, until no such broker can be there any more.
 */
export function lastHeartbeat(sql: Sql): SqlFragment {
  return sql.fragment`greatest(agents.last_heartbeat, heartbeat.last_heartbeat)`;
}

/** What the agent last said, of rows joined as in {@linkcode lastHeartbeat}. */
export function lastSaid(sql: Sql): SqlFragment {
  const reported = sql
    .fragment`(agents.k8s_reported_at is null or heartbeat.k8s_reported_at >= agents.k8s_reported_at)`;
  const isNewer = sql.fragment`(agents.last_heartbeat is null or heartbeat.last_heartbeat >= agents.last_heartbeat)`;
  return sql.fragment`
    ${lastHeartbeat(sql)} as last_heartbeat,
    greatest(agents.k8s_reported_at, heartbeat.k8s_reported_at) as k8s_reported_at,
    case when ${reported} then heartbeat.k8s_reachable else agents.k8s_reachable end as k8s_reachable,
    case when ${reported} then heartbeat.k8s_api_latency_ms else agents.k8s_api_latency_ms end as k8s_api_latency_ms,
    case when ${isNewer} then coalesce(heartbeat.k8s_version, agents.k8s_version)
      else coalesce(agents.k8s_version, heartbeat.k8s_version) end as k8s_version,
    case when ${isNewer} then coalesce(heartbeat.agent_version, agents.agent_version)
      else coalesce(agents.agent_version, heartbeat.agent_version) end as agent_version`;
}

/**
 * Seconds since the last heartbeat of rows joined as in {@linkcode lastHeartbeat}; null where there was none, and less
 * than 0 of one that came after the transaction began.
 */
export function heartbeatAge(sql: Sql): SqlFragment {
  return sql.fragment`extract(epoch from now() - ${lastHeartbeat(sql)})::double precision`;
}

/** Whether an agent, a row joined as in {@linkcode lastHeartbeat}, is as connected as one of `wanted`. */
export function isConnectedAs(sql: Sql, wanted: readonly Connectivity[], limits: ConnectivityLimits): SqlFragment {
  return sql.fragment`${connectivity(sql, limits)} = any(${CONNECTIVITIES.filter((one) => wanted.includes(one))})`;
}

/** How connected an agent is, a row joined as in {@linkcode lastHeartbeat}. */
export function connectivity(
  sql: Sql,
  { lateAfterSeconds: late, lostAfterSeconds: lost }: ConnectivityLimits,
): SqlFragment {
  const last = lastHeartbeat(sql);
  return sql.fragment`
    case when ${last} is null then 'never'
      when ${last} <= now() - make_interval(secs => ${lost}) then 'lost'
      when ${last} <= now() - make_interval(secs => ${late}) then 'late'
      else 'connected' end`;
}
