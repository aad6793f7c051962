import type { Sql, SqlFragment } from "$lib/database.ts";
import { HEALTH_STATUSES, type HealthStatus } from "$lib/wire/event.ts";
import { CONNECTIVITIES, type Connectivity, type ConnectivityLimits, isSilent } from "../domain/agent.ts";
import { DELIVERY_STATES, type DeliveryState } from "../domain/delivery.ts";
import { AGENT_VERSIONS_MAX, REACHABILITIES, type Reachability, type StoreGauges } from "../domain/gauges.ts";
import { lastHeartbeat, lastSaid } from "./agent_heartbeats.ts";
import { agentsWithHeartbeats } from "./agents.ts";
import type { Handle } from "./handle.ts";
import type { GaugeStore } from "./mod.ts";

/** Agents that are alike, and the oldest sign of life among them, or since when there is none. */
interface AgentGroup {
  readonly is_active: boolean;
  readonly connectivity: Connectivity;
  readonly k8s_reachable: boolean | null;
  readonly agents: number;
  readonly age_seconds: number;
}

/** Deliveries that are alike. */
interface DeliveryGroup {
  readonly is_active: boolean;
  readonly connectivity: Connectivity;
  readonly state: DeliveryState;
  readonly health: HealthStatus;
  readonly deliveries: number;
}

interface GaugeRow {
  readonly agents: readonly AgentGroup[] | null;
  readonly versions: Readonly<Record<string, number>> | null;
  readonly deliveries: readonly DeliveryGroup[] | null;
  readonly stacks: number;
  readonly deployment_objects: number;
  readonly oldest_unhealthy_age_seconds: number | null;
  readonly oldest_pending_age_seconds: number | null;
  readonly lines: number;
  readonly oldest_line_age_seconds: number | null;
}

/**
 * {@linkcode GaugeStore} over every table that a gauge counts: objects, of which there are many, by an index alone, and
 * deliveries, of which there are most, by the counts that are kept of them. Agents and counts are read once each.
 */
export function gaugeStore({ sql }: Handle): GaugeStore {
  return {
    async read(limits): Promise<StoreGauges> {
      const [row] = await sql<GaugeRow>`
        with agent as materialized (${judgedAgents(sql, limits)}
        ), delivery_group as materialized (${deliveryGroups(sql)}
        )
        select
          (select jsonb_agg(to_jsonb(kind)) from (${agentGroups(sql)}) kind) as agents,
          (select jsonb_object_agg(version, agents) from (${versions(sql)}) kind) as versions,
          (select jsonb_agg(to_jsonb(kind)) from delivery_group kind) as deliveries,
          (select count(*) from stacks where deleted_at is null) as stacks,
          (select count(*) from deployment_objects where deleted_at is null) as deployment_objects,
          ${oldestUnhealthy(sql, limits)} as oldest_unhealthy_age_seconds,
          (${oldestPending(sql)}) as oldest_pending_age_seconds,
          line.lines, line.oldest_line_age_seconds
        from (
          select count(*) as lines,
            greatest(0, extract(epoch from now() - min(created_at)))::double precision as oldest_line_age_seconds
          from settle_lines
        ) line`;
      if (row === undefined) throw new Error("a select without a row");
      return toGauges(row);
    },
  };
}

/** Each living agent with how long it has been silent, and what that makes it. */
function judgedAgents(sql: Sql, { lateAfterSeconds, lostAfterSeconds }: ConnectivityLimits): SqlFragment {
  return sql.fragment`
    select id, created_at, status = 'ACTIVE' as is_active, k8s_reachable, agent_version, silence, case
        when silence is null then 'never'
        when silence >= make_interval(secs => ${lostAfterSeconds}) then 'lost'
        when silence >= make_interval(secs => ${lateAfterSeconds}) then 'late'
        else 'connected' end as connectivity
    from (
      select id, status, created_at, ${lastSaid(sql)}, now() - ${lastHeartbeat(sql)} as silence
      from ${agentsWithHeartbeats(sql)} where deleted_at is null
    ) living`;
}

function agentGroups(sql: Sql): SqlFragment {
  return sql.fragment`
    select is_active, connectivity, k8s_reachable, count(*) as agents,
      greatest(0, extract(epoch from max(coalesce(silence, now() - created_at)))) as age_seconds
    from agent group by is_active, connectivity, k8s_reachable`;
}

function deliveryGroups(sql: Sql): SqlFragment {
  return sql.fragment`
    select is_active, connectivity, state, health, sum(deliveries) as deliveries
    from agent_delivery_counts known join agent on agent.id = known.agent_id
    group by is_active, connectivity, state, health`;
}

/** What is no version is `other`, too: agents say what they like. */
function versions(sql: Sql): SqlFragment {
  return sql.fragment`
    select case when place <= ${AGENT_VERSIONS_MAX} then version else 'other' end as version, sum(agents) as agents
    from (
      select version, sum(agents) as agents,
        row_number() over (order by version = 'other', sum(agents) desc, version desc) as place
      from (
        select case when agent_version is null then 'unknown'
            when agent_version ~ '^[0-9]{1,5}[.][0-9]{1,5}[.][0-9]{1,5}([-+][0-9A-Za-z.+-]{1,20})?$' then agent_version
            else 'other' end as version, agents
        from (select agent_version, count(*) as agents from agent where is_active group by agent_version) said
      ) known
      group by version
    ) placed
    group by 1`;
}

/** So many of the oldest unhealthy deliveries are looked at before all agents are. */
const LOOKED_AT_MAX = 1_000;

/**
 * By age where one of the oldest counts, else by agent: many old ones of agents that do not count are not looked at.
 * Where none counts none is.
 */
function oldestUnhealthy(sql: Sql, limits: ConnectivityLimits): SqlFragment {
  return sql.fragment`
    case when exists (select from delivery_group where deliveries > 0 and ${countsAsUnhealthy(sql)}) then
      greatest(0, extract(epoch from now() - coalesce(
        (${oldestByAge(sql, limits)}),
        (${oldestByAgent(sql)})
      )))::double precision
    end`;
}

function oldestByAge(sql: Sql, { lateAfterSeconds }: ConnectivityLimits): SqlFragment {
  return sql.fragment`
    select unhealthy_since
    from (
      select agent_id, unhealthy_since from deliveries
      where ${isUnhealthy(sql)} and unhealthy_since is not null
      order by unhealthy_since limit ${LOOKED_AT_MAX}
    ) oldest
    cross join lateral (
      select ${lastHeartbeat(sql)} as last_heartbeat from ${agentsWithHeartbeats(sql)}
      where id = oldest.agent_id and status = 'ACTIVE' and deleted_at is null
      offset 0
    ) agent
    where now() - last_heartbeat < make_interval(secs => ${lateAfterSeconds})
    order by unhealthy_since limit 1`;
}

/** Ordered by agent so that only the index that begins with it will do, even while a plan is made for few such rows. */
function oldestByAgent(sql: Sql): SqlFragment {
  return sql.fragment`
    select min(unhealthy_since)
    from (
      select distinct agent_id from agent_delivery_counts known join agent on agent.id = known.agent_id
      where deliveries > 0 and ${countsAsUnhealthy(sql)}
    ) unhealthy
    cross join lateral (
      select unhealthy_since from deliveries
      where agent_id between unhealthy.agent_id and unhealthy.agent_id and ${isUnhealthy(sql)}
        and unhealthy_since is not null
      order by deliveries.agent_id, unhealthy_since limit 1
    ) delivery`;
}

/** Of counts beside their agents. */
function countsAsUnhealthy(sql: Sql): SqlFragment {
  return sql.fragment`is_active and connectivity = 'connected' and ${isUnhealthy(sql)}`;
}

/** As the indexes of such deliveries have it. */
function isUnhealthy(sql: Sql): SqlFragment {
  return sql.fragment`health in ('progressing', 'degraded') and state not in ('terminating', 'removed')`;
}

function oldestPending(sql: Sql): SqlFragment {
  return sql.fragment`
    select greatest(0, extract(epoch from now() - desired_at))::double precision
    from deliveries delivery
    cross join lateral (select status from agents where id = delivery.agent_id offset 0) agent
    where delivery.state = 'pending' and agent.status = 'ACTIVE'
    order by desired_at limit 1`;
}

function toGauges({ agents, deliveries, ...row }: GaugeRow): StoreGauges {
  return {
    ...agentGauges(agents ?? []),
    ...deliveryGauges(deliveries ?? []),
    versions: row.versions ?? {},
    stacks: row.stacks,
    deploymentObjects: row.deployment_objects,
    oldestUnhealthyAgeSeconds: row.oldest_unhealthy_age_seconds ?? 0,
    oldestPendingAgeSeconds: row.oldest_pending_age_seconds ?? 0,
    settlingLines: row.lines,
    oldestLineAgeSeconds: row.oldest_line_age_seconds ?? 0,
  };
}

function agentGauges(groups: readonly AgentGroup[]) {
  const active = groups.filter((one) => one.is_active);
  const isSilentOrNew = ({ connectivity }: AgentGroup) => connectivity === "lost" || connectivity === "never";
  return {
    activeAgents: sumOf(groups.filter((one) => !isSilentOrNew(one)), ({ agents }) => agents),
    agents: countBy(CONNECTIVITIES, active, ({ connectivity, agents }) => [connectivity, agents]),
    kubernetes: countBy(REACHABILITIES, active, (one) => [reachabilityOf(one), one.agents]),
    heartbeatAgeSeconds: Math.max(0, ...active.map((one) => one.age_seconds)),
  };
}

/** What an agent that is not connected last said is no longer believed. */
function reachabilityOf({ connectivity, k8s_reachable: reachable }: AgentGroup): Reachability {
  return connectivity !== "connected" || reachable === null ? "unknown" : `${reachable}`;
}

function deliveryGauges(groups: readonly DeliveryGroup[]) {
  const present = groups.filter(({ state }) => state !== "removed");
  const isStale = ({ connectivity }: DeliveryGroup) => isSilent(connectivity);
  return {
    deliveries: countBy(DELIVERY_STATES, groups, ({ state, deliveries }) => [state, deliveries]),
    deliveriesByHealth: countBy(
      HEALTH_STATUSES,
      present,
      (one) => [isStale(one) ? "unknown" : one.health, one.deliveries],
    ),
    staleDeliveries: sumOf(present.filter((one) => one.is_active && isStale(one)), ({ deliveries }) => deliveries),
  };
}

function sumOf<T>(things: readonly T[], numberOf: (thing: T) => number): number {
  return things.reduce((sum, thing) => sum + numberOf(thing), 0);
}

/** How many there are of each value; 0 where there are none. */
function countBy<Value extends string, T>(
  values: readonly Value[],
  things: readonly T[],
  of: (thing: T) => readonly [Value, number],
): Record<Value, number> {
  const counts = Object.fromEntries(values.map((value) => [value, 0])) as Record<Value, number>;
  for (const [value, count] of things.map(of)) counts[value] += count;
  return counts;
}
