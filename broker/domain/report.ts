import { Failure } from "$lib/error.ts";
import type { NewAgentEvent, ObjectResult, ReportedState } from "$lib/wire/event.ts";
import type { Delivery, EventStatus, EventType, Report } from "./delivery.ts";

const MESSAGE_MAX = 4096;

/**
 * What a body of `POST /agents/{id}/events` says, in the words of old clients or in ours.
 *
 * @throws {Failure} `agent_id_mismatch` when path and body name two agents; `invalid_request_body` when the body
 * leaves open what happened or to what.
 */
export function readReport(body: NewAgentEvent, agentId: string): Report {
  if (body.agent_id !== agentId) {
    throw new Failure("agent_id_mismatch", `Cannot take the report: it is of agent "${body.agent_id}"`);
  }
  const missing = missingOf(body);
  if (missing.length > 0) {
    const details = { errors: missing };
    throw new Failure("invalid_request_body", "Cannot take the report: it leaves open what happened, or to what", {
      details,
    });
  }
  return {
    agentId,
    stackId: body.stack_id,
    objectId: body.deployment_object_id,
    state: reportedState(body),
    eventType: body.event_type,
    message: body.message ?? resultsText(body.results ?? []),
    reason: body.reason,
    bootId: body.boot_id,
    seq: body.seq,
    revision: body.revision,
    attempts: body.attempts,
    nextRetryAt: body.next_retry_at === undefined ? undefined : new Date(body.next_retry_at),
  };
}

/** How a report goes into the history; `applying` does not. */
export function eventOf(
  { state, eventType }: Report,
  delivery: Delivery | undefined,
): { readonly type: EventType; readonly status: EventStatus } | undefined {
  if (state === "applying") return undefined;
  const isRemoval = state === "removed" || (state !== "applied" && delivery?.state === "terminating");
  return {
    type: eventType ?? (isRemoval ? "DELETE" : "DEPLOY"),
    status: state === "applied" || state === "removed" ? "SUCCESS" : "FAILURE",
  };
}

function missingOf({ state, event_type, status, deployment_object_id, stack_id }: NewAgentEvent) {
  return [
    { path: "event_type", given: event_type ?? state, instead: "state" },
    { path: "status", given: status ?? state, instead: "state" },
    { path: "deployment_object_id", given: deployment_object_id ?? stack_id, instead: "stack_id" },
  ].filter(({ given }) => given === undefined)
    .map(({ path, instead }) => ({ path, message: `must be there, or ${instead}` }));
}

function reportedState({ state, event_type: type, status }: NewAgentEvent): ReportedState {
  if (state !== undefined) return state;
  if (status === "FAILURE") return "failed";
  return type === "DELETE" ? "removed" : "applied";
}

function resultsText(results: readonly ObjectResult[]): string | undefined {
  if (results.length === 0) return undefined;
  const lines = results.map(({ kind, namespace, name, action, error }) => {
    const place = namespace === undefined ? name : `${namespace}/${name}`;
    return `${kind} ${place} ${action}${error === undefined ? "" : `: ${error}`}`;
  });
  return lines.join("\n").slice(0, MESSAGE_MAX);
}
