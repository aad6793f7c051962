import type { Sql, SqlFragment } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { AgentEvent, EventStatus, EventType, Report } from "../domain/delivery.ts";
import { messageOf } from "../domain/report.ts";
import type { Handle } from "./handle.ts";
import type { AgentEventStore } from "./mod.ts";
import { DEFAULT_LIMIT, pageClauses, toPage } from "./paging.ts";

interface AgentEventRow {
  readonly id: string;
  readonly agent_id: string;
  readonly deployment_object_id: string;
  readonly event_type: EventType;
  readonly status: EventStatus;
  readonly message: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** {@linkcode AgentEventStore} over the table `agent_events`. */
export function agentEventStore({ sql }: Handle): AgentEventStore {
  return {
    async get(id) {
      const [row] = await sql<AgentEventRow>`select ${columns(sql)} from agent_events where id = ${id}`;
      if (row === undefined) {
        throw new Failure("agent_event_not_found", `Cannot get agent event "${id}": there is none`);
      }
      return toAgentEvent(row);
    },
    async list({ agentId, generatorId }, paging = {}) {
      const bounded = { limit: DEFAULT_LIMIT, ...paging };
      const { position, after, limit } = pageClauses(sql, bounded, "newest first");
      const own = agentId === undefined ? sql.fragment`` : sql.fragment`and agent_id = ${agentId}`;
      const registered = generatorId === undefined ? sql.fragment`` : sql.fragment`
        and exists (
          select from agent_generator_registrations consent
          where consent.agent_id = agent_events.agent_id and consent.generator_id = ${generatorId})`;
      const rows = await sql<AgentEventRow & { position: string }>`
        select ${columns(sql)}, ${position} from agent_events
        where true ${own} ${registered} ${after} order by created_at desc, id desc ${limit}`;
      return toPage(rows, bounded, toAgentEvent);
    },
    async purge(retentionDays, max) {
      const rows = await sql`
        delete from agent_events where id in (
          select id from agent_events where created_at < now() - make_interval(days => ${retentionDays})
          order by created_at limit ${max})
        returning id`;
      return rows.length;
    },
  };
}

/** What a report becomes in the history. */
export interface NewEvent {
  readonly objectId: string;
  readonly type: EventType;
  readonly status: EventStatus;
}

/**
 * The newest event of the report's agent and object, where it says the same and the report has no number: existing agents
 * report every object at every poll.
 */
export async function findSameEvent(sql: Sql, report: Report, event: NewEvent): Promise<AgentEvent | undefined> {
  if (report.bootId !== undefined && report.seq !== undefined) return undefined;
  const [row] = await sql<AgentEventRow>`
    select ${columns(sql)} from agent_events
    where deployment_object_id = ${event.objectId} and agent_id = ${report.agentId}
    order by created_at desc, id desc limit 1`;
  if (row === undefined) return undefined;
  const isSame = row.event_type === event.type && row.status === event.status &&
    row.message === (messageOf(report) ?? null);
  return isSame ? toAgentEvent(row) : undefined;
}

/** Writes a report's line; undefined when one with its boot id and seq is there already. */
export async function addEvent(sql: Sql, report: Report, event: NewEvent): Promise<AgentEvent | undefined> {
  const [row] = await sql<AgentEventRow>`
    insert into agent_events (agent_id, deployment_object_id, event_type, status, message, boot_id, seq)
    values (${report.agentId}, ${event.objectId}, ${event.type}, ${event.status}, ${messageOf(report) ?? null},
      ${report.bootId ?? null}, ${report.seq ?? null})
    on conflict do nothing
    returning ${columns(sql)}`;
  return row === undefined ? undefined : toAgentEvent(row);
}

/** The line that a report with the same boot id and seq has left. */
export async function findEvent(sql: Sql, { agentId, bootId, seq }: Report): Promise<AgentEvent | undefined> {
  if (bootId === undefined || seq === undefined) return undefined;
  const [row] = await sql<AgentEventRow>`
    select ${columns(sql)} from agent_events where agent_id = ${agentId} and boot_id = ${bootId} and seq = ${seq}`;
  return row === undefined ? undefined : toAgentEvent(row);
}

function columns(sql: Sql): SqlFragment {
  return sql.fragment`id, agent_id, deployment_object_id, event_type, status, message, created_at, updated_at`;
}

function toAgentEvent(row: AgentEventRow): AgentEvent {
  return {
    id: row.id,
    agentId: row.agent_id,
    deploymentObjectId: row.deployment_object_id,
    eventType: row.event_type,
    status: row.status,
    message: row.message ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
