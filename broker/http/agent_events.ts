import { z } from "zod";
import { isSampled, parseTraceparent } from "$lib/traceparent.ts";
import { Uuid } from "$lib/wire/common.ts";
import { AgentEvent, NewAgentEvent, RESULTS_MAX } from "$lib/wire/event.ts";
import { mayUseAgent } from "../domain/access.ts";
import type { Caller } from "../domain/caller.ts";
import type { AgentEvent as KeptEvent } from "../domain/delivery.ts";
import { readReport } from "../domain/report.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";

const OF_AGENT = "/api/v1/agents/{id}/events";
const ALL = "/api/v1/agent-events";
/** Enough for every field and path of as many results as a report may hold. */
const PARTS_MAX = 50 * RESULTS_MAX;

const report = endpoint({
  method: "post",
  path: OF_AGENT,
  roles: ["admin", "agent"],
  summary: "Report what an agent did to a stack",
  params: IdPath,
  body: { shape: NewAgentEvent, partsMax: PARTS_MAX },
  answers: { 201: AgentEvent, 204: Nothing },
  handle: async ({ params: { id }, body, caller, request }, { deliveries }) => {
    mayUseAgent(caller, id);
    const { event } = await deliveries.report({ ...readReport(body, id), traceId: traceIdOf(request, caller) });
    return event === undefined ? undefined : eventBody(event);
  },
});

const listOfAgent = endpoint({
  method: "get",
  path: OF_AGENT,
  roles: ["admin", "agent"],
  summary: "What an agent reported, newest first",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(AgentEvent) },
  handle: async ({ params: { id }, query, caller }, { agents, events }) => {
    mayUseAgent(caller, id);
    await agents.get(id);
    return mapPage(await events.list({ agentId: id }, query), eventBody);
  },
});

const list = endpoint({
  method: "get",
  path: ALL,
  roles: ["admin"],
  summary: "What all agents reported, newest first; with pak_id the agent's, or those of a generator's agents",
  query: PageQuery.extend({ pak_id: Uuid.optional() }),
  answers: { 200: z.array(AgentEvent) },
  handle: async ({ query: { pak_id: id, ...paging } }, { events, keys }) => {
    const isGenerator = id !== undefined && await keys.isGenerator(id);
    return mapPage(await events.list(isGenerator ? { generatorId: id } : { agentId: id }, paging), eventBody);
  },
});

const get = endpoint({
  method: "get",
  path: `${ALL}/{id}`,
  roles: ["admin"],
  summary: "One report",
  params: IdPath,
  answers: { 200: AgentEvent },
  handle: async ({ params: { id } }, { events }) => eventBody(await events.get(id)),
});

/** What agents say happened. */
export const AGENT_EVENTS = [report, listOfAgent, list, get] as const;

/** The trace of the agent's own turn: an agent says that it is sampled where it exports it. */
function traceIdOf({ headers }: Request, { role }: Caller): string | undefined {
  const turn = role === "agent" ? parseTraceparent(headers.get("traceparent")) : undefined;
  return turn !== undefined && isSampled(turn) ? turn.traceId : undefined;
}

/** An event as the API shows it. */
export function eventBody(event: KeptEvent): z.input<typeof AgentEvent> {
  return {
    id: event.id,
    agent_id: event.agentId,
    deployment_object_id: event.deploymentObjectId,
    event_type: event.eventType,
    status: event.status,
    message: event.message ?? null,
    created_at: event.createdAt.toISOString(),
    updated_at: event.updatedAt.toISOString(),
    deleted_at: null,
    trace_id: event.traceId,
  };
}
