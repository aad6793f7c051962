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
  readonly trace_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** In how many objects of a stack the history of one delivery is looked for. */
const HISTORY_OBJECTS = 100;

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
    async listOfDelivery(agentId, stackId, limit) {
      const rows = await sql<AgentEventRow>`
        select ${columns(sql)} from (
          select id as object_id from deployment_objects where stack_id = ${stackId}
          order by sequence_id desc limit ${HISTORY_OBJECTS}
        ) object
        cross join lateral (
          select ${columns(sql)} from agent_events
          where deployment_object_id = object_id and agent_id = ${agentId}
          order by created_at desc, id desc limit ${limit}
        ) event
        order by created_at desc, id desc limit ${limit}`;
      return rows.map(toAgentEvent);
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
  readonly report: Report;
  readonly objectId: string;
  readonly type: EventType;
  readonly status: EventStatus;
}

/** Events by the agent that reported them: of each agent there is one at most. */
export type EventByAgent = ReadonlyMap<string, AgentEvent>;

/**
 * Of reports without a number, at most one of each agent: the newest event of the agent and the object, where it says
 * the same. Existing agents report every object at every poll.
 */
export async function findSameEvents(sql: Sql, events: readonly NewEvent[]): Promise<EventByAgent> {
  if (events.length === 0) return new Map();
  return byAgent(
    await sql<AgentEventRow>`
      select ${columns(sql)}
      from unnest(
        ${events.map(({ report }) => report.agentId)}::uuid[], ${events.map(({ objectId }) => objectId)}::uuid[],
        ${events.map(({ type }) => type)}::text[], ${events.map(({ status }) => status)}::text[],
        ${events.map(({ report }) => messageOf(report) ?? null)}::text[]
      ) as said (reporter_id, object_id, said_type, said_status, said_message)
      cross join lateral (
        select ${columns(sql)} from agent_events
        where deployment_object_id = said.object_id and agent_id = said.reporter_id
        order by created_at desc, id desc limit 1
      ) newest
      where event_type = said_type and status = said_status and message is not distinct from said_message`,
  );
}

/**
 * Writes the lines of reports, at most one of each agent, but of those whose boot id and number have left one before.
 */
export async function addEvents(sql: Sql, events: readonly NewEvent[]): Promise<EventByAgent> {
  if (events.length === 0) return new Map();
  const column = <T>(of: (report: Report) => T) => events.map(({ report }) => of(report));
  return byAgent(
    await sql<AgentEventRow>`
      insert into agent_events (agent_id, deployment_object_id, event_type, status, message, boot_id, seq, trace_id)
      select agent_id, object_id, event_type, status, message, boot_id, seq, trace_id
      from unnest(
        ${column(({ agentId }) => agentId)}::uuid[], ${events.map(({ objectId }) => objectId)}::uuid[],
        ${events.map(({ type }) => type)}::text[], ${events.map(({ status }) => status)}::text[],
        ${column((report) => messageOf(report) ?? null)}::text[],
        ${column(({ bootId }) => bootId ?? null)}::uuid[], ${column(({ seq }) => seq ?? null)}::bigint[],
        ${column(({ traceId }) => traceId ?? null)}::text[]
      ) as said (agent_id, object_id, event_type, status, message, boot_id, seq, trace_id)
      on conflict do nothing
      returning ${columns(sql)}`,
  );
}

/** The lines that reports with the same boot id and number have left, at most one of each agent. */
export async function findEvents(sql: Sql, reports: readonly Report[]): Promise<EventByAgent> {
  const numbered = reports.filter(isNumbered);
  if (numbered.length === 0) return new Map();
  return byAgent(
    await sql<AgentEventRow>`
      select ${columns(sql)}
      from unnest(
        ${numbered.map(({ agentId }) => agentId)}::uuid[], ${numbered.map(({ bootId }) => bootId ?? null)}::uuid[],
        ${numbered.map(({ seq }) => seq ?? null)}::bigint[]
      ) as said (reporter_id, said_boot_id, said_seq)
      cross join lateral (
        select ${columns(sql)} from agent_events
        where agent_id = said.reporter_id and boot_id = said.said_boot_id and seq = said.said_seq offset 0
      ) event`,
  );
}

/** Whether a report can be told from others. */
export function isNumbered({ bootId, seq }: Report): boolean {
  return bootId !== undefined && seq !== undefined;
}

function byAgent(rows: readonly AgentEventRow[]): EventByAgent {
  return new Map(rows.map((row) => [row.agent_id, toAgentEvent(row)]));
}

function columns(sql: Sql): SqlFragment {
  return sql
    .fragment`id, agent_id, deployment_object_id, event_type, status, message, trace_id, created_at, updated_at`;
}

function toAgentEvent(row: AgentEventRow): AgentEvent {
  return {
    id: row.id,
    agentId: row.agent_id,
    deploymentObjectId: row.deployment_object_id,
    eventType: row.event_type,
    status: row.status,
    message: row.message ?? undefined,
    traceId: row.trace_id ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
