import type { Sql, SqlFragment } from "$lib/database.ts";
import { HEALTH_STATUSES, type HealthStatus } from "$lib/wire/event.ts";
import type { Connectivity, ConnectivityLimits } from "../domain/agent.ts";
import { DELIVERY_STATES, type DeliveryState } from "../domain/delivery.ts";
import { AGENT_VERSIONS_MAX, REACHABILITIES, type Reachability, type StoreGauges } from "../domain/gauges.ts";
import { lastHeartbeat, lastSaid } from "./agent_heartbeats.ts";
import { agentsWithHeartbeats } from "./agents.ts";
import type { Handle } from "./handle.ts";
import type { GaugeStore } from "./mod.ts";

/** How many there are of each value; values that nothing has are left out. */
type Counts<Value extends string> = Readonly<Partial<Record<Value, number>>> | null;

interface GaugeRow extends Readonly<Record<Connectivity, number>> {
  readonly active_agents: number;
  readonly heartbeat_age_seconds: number;
  readonly kubernetes: Counts<Reachability>;
  readonly versions: Counts<string>;
  readonly stacks: number;
  readonly deployment_objects: number;
  readonly deliveries: Counts<DeliveryState>;
  readonly deliveries_by_health: Counts<HealthStatus>;
  readonly stale_deliveries: number;
  readonly oldest_unhealthy_age_seconds: number | null;
  readonly oldest_pending_age_seconds: number | null;
  readonly lines: number;
  readonly oldest_line_age_seconds: number | null;
}

/**
 * {@linkcode GaugeStore} over every table that a gauge counts: objects, of which there are many, by an index alone, and
 * deliveries, of which there are most, by the counts that are kept of them.
 */
export function gaugeStore({ sql }: Handle): GaugeStore {
  return {
    async read(limits): Promise<StoreGauges> {
      const [row] = await sql<GaugeRow>`
        with agent as materialized (${judgedAgents(sql, limits)})
        select counted.active_agents, counted.heartbeat_age_seconds, connected, late, lost, never,
          (${countsOf(sql, reachabilities(sql))}) as kubernetes,
          (${countsOf(sql, versions(sql))}) as versions,
          (select count(*) from stacks where deleted_at is null) as stacks,
          (select count(*) from deployment_objects where deleted_at is null) as deployment_objects,
          (${countsOf(sql, deliveriesByState(sql))}) as deliveries,
          (${countsOf(sql, deliveriesByHealth(sql))}) as deliveries_by_health,
          (${staleDeliveries(sql)}) as stale_deliveries,
          (${oldestUnhealthy(sql)}) as oldest_unhealthy_age_seconds,
          (${oldestPending(sql)}) as oldest_pending_age_seconds,
          line.lines, line.oldest_line_age_seconds
        from (${countedAgents(sql)}) counted, (
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

function countedAgents(sql: Sql): SqlFragment {
  const active = (one: Connectivity) => sql.fragment`count(*) filter (where is_active and connectivity = ${one})`;
  return sql.fragment`
    select
      count(*) filter (where connectivity in ('connected', 'late')) as active_agents,
      ${active("connected")} as connected, ${active("late")} as late,
      ${active("lost")} as lost, ${active("never")} as never,
      coalesce(greatest(0, extract(epoch from max(coalesce(silence, now() - created_at))
        filter (where is_active))), 0)::double precision as heartbeat_age_seconds
    from agent`;
}

/** Makes an object of rows of `value` and `n`. */
function countsOf(sql: Sql, rows: SqlFragment): SqlFragment {
  return sql.fragment`select jsonb_object_agg(value, n) from (${rows}) by_value`;
}

function reachabilities(sql: Sql): SqlFragment {
  return sql.fragment`
    select case when connectivity = 'connected' then coalesce(k8s_reachable::text, 'unknown') else 'unknown' end as value,
      count(*) as n
    from agent where is_active group by 1`;
}

/** What is no version is `other`, too: agents say what they like. */
function versions(sql: Sql): SqlFragment {
  return sql.fragment`
    select case when place <= ${AGENT_VERSIONS_MAX} then version else 'other' end as value, sum(n) as n
    from (
      select version, n, row_number() over (order by version = 'other', n desc, version desc) as place
      from (
        select case when agent_version is null then 'unknown'
            when agent_version ~ '^[0-9]{1,5}[.][0-9]{1,5}[.][0-9]{1,5}([-+][0-9A-Za-z.+-]{1,20})?$' then agent_version
            else 'other' end as version,
          count(*) as n
        from agent where is_active group by 1
      ) counted
    ) placed
    group by 1`;
}

function deliveriesByState(sql: Sql): SqlFragment {
  return sql.fragment`select state as value, sum(deliveries) as n from agent_delivery_counts group by state`;
}

function deliveriesByHealth(sql: Sql): SqlFragment {
  return sql.fragment`
    select case when connectivity in ('late', 'lost') then 'unknown' else health end as value, sum(deliveries) as n
    from agent_delivery_counts known join agent on agent.id = known.agent_id
    where state <> 'removed' group by 1`;
}

function staleDeliveries(sql: Sql): SqlFragment {
  return sql.fragment`
    select coalesce(sum(deliveries), 0)::integer
    from agent_delivery_counts known join agent on agent.id = known.agent_id
    where state <> 'removed' and is_active and connectivity in ('late', 'lost')`;
}

/** Agent by agent, of those that have any: however many there are of agents that do not count, none is looked at. */
function oldestUnhealthy(sql: Sql): SqlFragment {
  return sql.fragment`
    select greatest(0, extract(epoch from now() - min(unhealthy_since)))::double precision
    from agent cross join lateral (
      select min(unhealthy_since) as unhealthy_since from deliveries
      where agent_id = agent.id and health in ('progressing', 'degraded') and state not in ('terminating', 'removed')
      offset 0
    ) delivery
    where is_active and connectivity = 'connected' and id in (
      select agent_id from agent_delivery_counts
      where health in ('progressing', 'degraded') and state not in ('terminating', 'removed') and deliveries > 0
    )`;
}

function oldestPending(sql: Sql): SqlFragment {
  return sql.fragment`
    select greatest(0, extract(epoch from now() - desired_at))::double precision
    from deliveries delivery
    cross join lateral (select status from agents where id = delivery.agent_id offset 0) agent
    where delivery.state = 'pending' and agent.status = 'ACTIVE'
    order by desired_at limit 1`;
}

function toGauges({ connected, late, lost, never, ...row }: GaugeRow): StoreGauges {
  return {
    activeAgents: row.active_agents,
    agents: { connected, late, lost, never },
    kubernetes: filled(REACHABILITIES, row.kubernetes),
    versions: { ...row.versions } as Record<string, number>,
    stacks: row.stacks,
    deploymentObjects: row.deployment_objects,
    heartbeatAgeSeconds: row.heartbeat_age_seconds,
    deliveries: filled(DELIVERY_STATES, row.deliveries),
    deliveriesByHealth: filled(HEALTH_STATUSES, row.deliveries_by_health),
    staleDeliveries: row.stale_deliveries,
    oldestUnhealthyAgeSeconds: row.oldest_unhealthy_age_seconds ?? 0,
    oldestPendingAgeSeconds: row.oldest_pending_age_seconds ?? 0,
    settlingLines: row.lines,
    oldestLineAgeSeconds: row.oldest_line_age_seconds ?? 0,
  };
}

/** With 0 for what there is none of. */
function filled<Value extends string>(values: readonly Value[], counts: Counts<Value>): Record<Value, number> {
  return Object.fromEntries(values.map((value) => [value, counts?.[value] ?? 0])) as Record<Value, number>;
}
