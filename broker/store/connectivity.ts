import type { ConnectivityLimits, KnownConnectivity } from "../domain/agent.ts";
import { lastHeartbeat } from "./agent_heartbeats.ts";
import type { Handle } from "./handle.ts";

/** How connected agents were when that was last looked at. */
export interface ConnectivityStore {
  /** Looks at all living agents, and notes what changed; returns how many became what. */
  note(limits: ConnectivityLimits): Promise<Readonly<Partial<Record<KnownConnectivity, number>>>>;
}

interface CountRow {
  readonly connectivity: KnownConnectivity;
  readonly agents: number;
}

/** {@linkcode ConnectivityStore} over the table `agent_heartbeats`. Nobody who sends a heartbeat waits for it. */
export function connectivityStore({ sql }: Handle): ConnectivityStore {
  return {
    async note({ lateAfterSeconds: late, lostAfterSeconds: lost }) {
      const silence = sql.fragment`(now() - ${lastHeartbeat(sql)})`;
      const isNow = sql.fragment`
        case when ${silence} >= make_interval(secs => ${lost}) then 'lost'
          when ${silence} >= make_interval(secs => ${late}) then 'late' else 'connected' end`;
      const rows = await sql<CountRow>`
        with other as (
          select heartbeat.agent_id, ${isNow} as connectivity
          from agent_heartbeats heartbeat join agents on agents.id = heartbeat.agent_id
          where deleted_at is null and heartbeat.connectivity is distinct from ${isNow}
          for update of heartbeat skip locked
        ), changed as (
          update agent_heartbeats set connectivity = other.connectivity
          from other where agent_heartbeats.agent_id = other.agent_id
          returning other.connectivity
        )
        select connectivity, count(*) as agents from changed group by connectivity`;
      return Object.fromEntries(rows.map(({ connectivity, agents }) => [connectivity, agents]));
    },
  };
}
