import type { StoreGauges } from "../domain/gauges.ts";
import type { Handle } from "./handle.ts";
import type { GaugeStore } from "./mod.ts";

interface GaugeRow {
  readonly active_agents: number;
  readonly stacks: number;
  readonly deployment_objects: number;
  readonly heartbeat_age_seconds: number;
}

/** {@linkcode GaugeStore} over every table that a gauge counts. */
export function gaugeStore({ sql }: Handle): GaugeStore {
  return {
    async read({ lostAfterSeconds }): Promise<StoreGauges> {
      const [row] = await sql<GaugeRow>`
        select agent.active_agents, agent.heartbeat_age_seconds,
          (select count(*) from stacks where deleted_at is null) as stacks,
          (select count(*) from deployment_objects where deleted_at is null) as deployment_objects
        from (
          select
            count(*) filter (where last_heartbeat > now() - make_interval(secs => ${lostAfterSeconds})) as active_agents,
            coalesce(greatest(0, extract(epoch from now() - min(coalesce(last_heartbeat, created_at))
              filter (where status = 'ACTIVE'))), 0)::double precision as heartbeat_age_seconds
          from agents where deleted_at is null
        ) agent`;
      if (row === undefined) throw new Error("a select without a row");
      return {
        activeAgents: row.active_agents,
        stacks: row.stacks,
        deploymentObjects: row.deployment_objects,
        heartbeatAgeSeconds: row.heartbeat_age_seconds,
      };
    },
  };
}
