import { Failure } from "$lib/error.ts";
import type { NewAgentEvent, ObjectResult, ReportedState, YieldedField } from "$lib/wire/event.ts";
import { worstFirst } from "./results.ts";
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
    message: body.message ?? undefined,
    reason: body.reason,
    bootId: body.boot_id,
    seq: body.seq,
    revision: body.revision,
    attempts: body.attempts,
    nextRetryAt: body.next_retry_at === undefined ? undefined : new Date(body.next_retry_at),
    health: body.health && { ...body.health, at: new Date(body.health.at) },
    yielded: body.yielded,
    results: body.results,
    warnings: body.warnings,
  };
}

/** What a person reads of a report: the agent's own words, else what was done to each object, the worst first. */
export function messageOf({ message, results = [] }: Pick<Report, "message" | "results">): string | undefined {
  if (message !== undefined || results.length === 0) return message;
  return worstFirst(results).map(lineOf).join("\n").slice(0, MESSAGE_MAX);
}

/**
 * Whether a report repeats what is known of a delivery and says besides only how well it works: it may come each
 * minute, and is no history. Another object may be desired by the time that it comes.
 */
export function isOnlyHealth(report: Report, delivery: Delivery | undefined): boolean {
  if (report.health === undefined || delivery === undefined || !hasActedNoMore(report)) return false;
  const { objectId = delivery.desiredObjectId, attempts = delivery.attempts, message = delivery.message } = report;
  if (objectId !== delivery.desiredObjectId) return report.state === "applied" && objectId === delivery.appliedObjectId;
  return report.state === delivery.state && report.reason === delivery.reason && message === delivery.message &&
    attempts === delivery.attempts && fieldsText(report.yielded ?? delivery.yielded) === fieldsText(delivery.yielded);
}

/** Whether a report may be one of {@linkcode isOnlyHealth}, or says nothing of the state, whatever is known. */
export function mayBeOnlyHealth(report: Report): boolean {
  return report.health !== undefined && (report.state === undefined || hasActedNoMore(report));
}

/** What failed is the same failure while the agent counts no other try; whatever else is done is done again. */
function hasActedNoMore({ state, attempts, results = [] }: Report): boolean {
  if (attempts !== undefined && (state === "failed" || state === "blocked")) return true;
  return results.every(({ action, error }) => action === "unchanged" && error === undefined);
}

function fieldsText(fields: readonly YieldedField[] = []): string {
  return JSON.stringify(
    fields.map(({ kind, namespace, name, path, manager }) => [kind, namespace, name, path, manager]),
  );
}

/**
 * Whether our agent says that nothing is there any more of what has no delivery, or one that has ended: a stack that
 * never had an object, or that it had reported before. A report that names objects is worth keeping where it can be.
 */
export function isGoneAlready({ state, eventType, results = [] }: Report, delivery: Delivery | undefined): boolean {
  if (state !== "removed" || eventType !== undefined) return false;
  return delivery === undefined || (delivery.state === "removed" && results.length === 0);
}

/** How a report goes into the history; `applying` and health alone do not. */
export function eventOf(
  report: Report,
  delivery: Delivery | undefined,
): { readonly type: EventType; readonly status: EventStatus } | undefined {
  const { state, eventType } = report;
  if (state === undefined || state === "applying" || isOnlyHealth(report, delivery)) return undefined;
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

function lineOf({ kind, namespace, name, action, error }: ObjectResult): string {
  const place = namespace === undefined ? name : `${namespace}/${name}`;
  return `${kind} ${place} ${action}${error === undefined ? "" : `: ${error}`}`;
}
