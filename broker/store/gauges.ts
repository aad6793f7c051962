import type { SqlFragment } from "$lib/database.ts";
import type { Connectivity } from "../domain/agent.ts";
import { DELIVERY_STATES, type DeliveryState } from "../domain/delivery.ts";
import type { StoreGauges } from "../domain/gauges.ts";
import { lastHeartbeat } from "./agent_heartbeats.ts";
import type { Handle } from "./handle.ts";
import type { GaugeStore } from "./mod.ts";

interface GaugeRow extends Readonly<Record<Connectivity, number>> {
  readonly active_agents: number;
  readonly heartbeat_age_seconds: number;
  readonly stacks: number;
  readonly deployment_objects: number;
  readonly deliveries: Readonly<Partial<Record<DeliveryState, number>>> | null;
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
    async read({ lateAfterSeconds, lostAfterSeconds }): Promise<StoreGauges> {
      const late = sql.fragment`make_interval(secs => ${lateAfterSeconds})`;
      const lost = sql.fragment`make_interval(secs => ${lostAfterSeconds})`;
      const active = (age: SqlFragment) => sql.fragment`count(*) filter (where status = 'ACTIVE' and ${age})`;
      const [row] = await sql<GaugeRow>`
        select agent.active_agents, agent.heartbeat_age_seconds, agent.connected, agent.late, agent.lost, agent.never,
          (select count(*) from stacks where deleted_at is null) as stacks,
          (select count(*) from deployment_objects where deleted_at is null) as deployment_objects,
          (
            select jsonb_object_agg(state, deliveries)
            from (select state, sum(deliveries) as deliveries from agent_delivery_counts group by state) counted
          ) as deliveries,
          (
            select greatest(0, extract(epoch from now() - desired_at))::double precision
            from deliveries delivery
            cross join lateral (select status from agents where id = delivery.agent_id offset 0) agent
            where delivery.state = 'pending' and agent.status = 'ACTIVE'
            order by desired_at limit 1
          ) as oldest_pending_age_seconds,
          line.lines, line.oldest_line_age_seconds
        from (
          select
            count(*) filter (where silence < ${lost}) as active_agents,
            ${active(sql.fragment`silence < ${late}`)} as connected,
            ${active(sql.fragment`silence >= ${late} and silence < ${lost}`)} as late,
            ${active(sql.fragment`silence >= ${lost}`)} as lost,
            ${active(sql.fragment`silence is null`)} as never,
            coalesce(greatest(0, extract(epoch from max(coalesce(silence, now() - created_at))
              filter (where status = 'ACTIVE'))), 0)::double precision as heartbeat_age_seconds
          from (
            select status, created_at, now() - ${lastHeartbeat(sql)} as silence
            from agents left join agent_heartbeats heartbeat on heartbeat.agent_id = agents.id
            where deleted_at is null
          ) living
        ) agent, (
          select count(*) as lines,
            greatest(0, extract(epoch from now() - min(created_at)))::double precision as oldest_line_age_seconds
          from settle_lines
        ) line`;
      if (row === undefined) throw new Error("a select without a row");
      return toGauges(row);
    },
  };
}

function toGauges({ connected, late, lost, never, deliveries, ...row }: GaugeRow): StoreGauges {
  const counts = DELIVERY_STATES.map((state) => [state, deliveries?.[state] ?? 0] as const);
  return {
    activeAgents: row.active_agents,
    agents: { connected, late, lost, never },
    stacks: row.stacks,
    deploymentObjects: row.deployment_objects,
    heartbeatAgeSeconds: row.heartbeat_age_seconds,
    deliveries: Object.fromEntries(counts) as Record<DeliveryState, number>,
    oldestPendingAgeSeconds: row.oldest_pending_age_seconds ?? 0,
    settlingLines: row.lines,
    oldestLineAgeSeconds: row.oldest_line_age_seconds ?? 0,
  };
}
