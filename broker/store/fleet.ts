import type { Agent } from "../domain/agent.ts";
import { agentColumns, type AgentRow, agentsWithHeartbeats, toAgent } from "./agents.ts";
import type { Handle } from "./handle.ts";
import type { Page, Paging } from "./mod.ts";
import { pageClauses, toPage } from "./paging.ts";

/** An agent, when it last reported anything, and when that was read. */
export interface FleetAgent {
  readonly agent: Agent;
  readonly lastEventAt?: Date;
  readonly now: Date;
}

/** Whose agents: one, or those that are registered with a generator; all without either. */
export interface FleetFilter {
  readonly agentId?: string | undefined;
  readonly generatorId?: string | undefined;
}

/** Agents at a glance. */
export interface FleetStore {
  list(filter: FleetFilter, paging?: Paging): Promise<Page<FleetAgent>>;
}

type FleetRow = AgentRow & { readonly last_event_at: Date | null; readonly now: Date };

/** {@linkcode FleetStore} over agents, their heartbeats, events and counts of deliveries. */
export function fleetStore({ sql }: Handle): FleetStore {
  return {
    async list({ agentId, generatorId }, paging = {}) {
      const { position, after, limit } = pageClauses(sql, paging);
      const isOne = agentId === undefined ? sql.fragment`` : sql.fragment`and id = ${agentId}`;
      const isRegistered = generatorId === undefined ? sql.fragment`` : sql.fragment`
        and id in (select agent_id from agent_generator_registrations where generator_id = ${generatorId})`;
      const rows = await sql<FleetRow & { position: string }>`
        select ${agentColumns(sql)}, ${position}, last_event_at, now() as now from ${agentsWithHeartbeats(sql)}
        left join lateral (
          select created_at as last_event_at from agent_events where agent_id = agents.id
          order by created_at desc, agent_events.id desc limit 1
        ) event on true
        where deleted_at is null ${isOne} ${isRegistered} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toFleetAgent);
    },
  };
}

function toFleetAgent({ last_event_at, now, ...row }: FleetRow): FleetAgent {
  return { agent: toAgent(row), ...(last_event_at === null ? {} : { lastEventAt: last_event_at }), now };
}
