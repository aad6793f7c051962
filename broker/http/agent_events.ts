import { z } from "zod";
import { Uuid } from "$lib/wire/common.ts";
import { AgentEvent, NewAgentEvent, type ObjectResult, type ReportedState } from "$lib/wire/event.ts";
import { mayUseAgent } from "../domain/access.ts";
import type { AgentEvent as KeptEvent, Report } from "../domain/delivery.ts";
import { mustName } from "./agent_tags.ts";
import { endpoint } from "./endpoint.ts";
import { faultyInput } from "./problem.ts";
import { mapPage } from "./reply.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";

const OF_AGENT = "/api/v1/agents/{id}/events";
const ALL = "/api/v1/agent-events";
const RESULTS_MAX_LENGTH = 4096;

const report = endpoint({
  method: "post",
  path: OF_AGENT,
  roles: ["admin", "agent"],
  summary: "Report what an agent did to a stack",
  params: IdPath,
  body: { shape: NewAgentEvent },
  answers: { 201: AgentEvent, 204: Nothing },
  handle: async ({ params: { id }, body, caller }, { deliveries }) => {
    mayUseAgent(caller, id);
    mustName(id, body.agent_id);
    const { event } = await deliveries.report(reportOf(body));
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
  summary: "What all agents reported, or the one with the key, newest first",
  query: PageQuery.extend({ pak_id: Uuid.optional() }),
  answers: { 200: z.array(AgentEvent) },
  handle: async ({ query: { pak_id: agentId, ...paging } }, { events }) =>
    mapPage(await events.list({ agentId }, paging), eventBody),
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

function reportOf(event: NewAgentEvent): Report {
  return {
    agentId: event.agent_id,
    stackId: event.stack_id,
    objectId: event.deployment_object_id,
    state: event.state ?? stateOf(event),
    eventType: event.event_type,
    message: event.message ?? textOf(event.results),
    reason: event.reason,
    bootId: event.boot_id,
    seq: event.seq,
    revision: event.revision,
    attempts: event.attempts,
    nextRetryAt: event.next_retry_at === undefined ? undefined : new Date(event.next_retry_at),
  };
}

/** What clients of old mean. */
function stateOf({ event_type: type, status, deployment_object_id: objectId }: NewAgentEvent): ReportedState {
  const missing = Object.entries({ event_type: type, status, deployment_object_id: objectId })
    .filter(([, value]) => value === undefined)
    .map(([path]) => ({ path, message: "is required without state" }));
  if (missing.length > 0) throw faultyInput("invalid_request_body", "Cannot accept the body: it has faults", missing);
  if (status === "FAILURE") return "failed";
  return type === "DELETE" ? "removed" : "applied";
}

/** One line for each object, for a report that brings no message of its own. */
function textOf(results: NewAgentEvent["results"]): string | undefined {
  if (results === undefined) return undefined;
  return results.map(lineOf).join("\n").slice(0, RESULTS_MAX_LENGTH);
}

function lineOf({ kind, namespace, name, action, error }: ObjectResult): string {
  const object = `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
  return error === undefined ? `${object} ${action}` : `${object} ${action}: ${error}`;
}

function eventBody(event: KeptEvent): z.input<typeof AgentEvent> {
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
  };
}
