import type { SpanContext } from "@opentelemetry/api";
import {
  FIELD_PATH_MAX,
  FIELDS_MAX,
  type NewAgentEvent,
  OBJECT_NAME_MAX,
  type ObjectResult,
  REASON_MAX,
  type ReportedState,
  RESULTS_MAX,
  WARNING_MAX_LENGTH,
  WARNINGS_MAX,
  YIELDED_MAX,
  type YieldedField,
} from "$lib/wire/event.ts";
import { boundedMessage } from "../kube/outcome.ts";
import type { SaidHealth } from "./report_health.ts";

/** What the agent says of one stack. */
export interface StackReport {
  readonly stackId: string;
  /** The deployment object it is about; undefined where the snapshot names none. */
  readonly objectId: string | undefined;
  readonly state: ReportedState;
  /** One of the closed set of reasons. */
  readonly reason?: string;
  readonly message?: string;
  /** The revision at which a removal is held. */
  readonly revision?: number;
  readonly attempts?: number;
  readonly nextRetryAtMs?: number;
  readonly results?: readonly ObjectResult[];
  /** Fields that are left to other managers. */
  readonly yielded?: readonly YieldedField[];
  /** What was done otherwise than the bundle says. */
  readonly warnings?: readonly string[];
  /** The exported span of the turn that it is of. */
  readonly trace?: SpanContext;
}

const ERROR_MAX_LENGTH = 1000;
/** How many results an agent of version 0.10.0 sent: what is refused as too large is cut to that. */
const RESULTS_ONCE = 500;

/** The report as the broker takes it, within what the broker takes. */
export function reportWire(report: StackReport, health: SaidHealth | undefined): Omit<NewAgentEvent, "agent_id"> {
  const { message, nextRetryAtMs, results, yielded, warnings } = report;
  return {
    stack_id: report.stackId,
    deployment_object_id: report.objectId,
    state: report.state,
    reason: report.reason,
    message: message === undefined ? undefined : boundedMessage(message),
    revision: report.revision,
    attempts: report.attempts,
    next_retry_at: nextRetryAtMs === undefined ? undefined : new Date(nextRetryAtMs).toISOString(),
    results: results && boundedResults(results).map((result) => ({ ...result, ...health?.of(result) })),
    ...(health === undefined ? {} : { health: health.ofStack }),
    ...(yielded === undefined ? {} : { yielded: yielded.slice(0, YIELDED_MAX).map(boundedField) }),
    ...(warnings === undefined ? {} : { warnings: boundedWarnings(warnings) }),
  };
}

/** The same as version 0.10.0 says it, for a broker of then; `isTooLarge` has it say less. */
export function olderWire(event: NewAgentEvent, { isTooLarge }: { readonly isTooLarge: boolean }): NewAgentEvent {
  const { health: _health, yielded: _yielded, warnings: _warnings, results, ...older } = event;
  const max = isTooLarge ? RESULTS_ONCE : RESULTS_MAX;
  return {
    ...older,
    results: results?.slice(0, max).map(({ kind, namespace, name, action, error }) => ({
      ...{ kind, namespace, name, error },
      action: OLDER_ACTIONS[action] ?? action,
    })),
  };
}

const OLDER_ACTIONS: Partial<Record<ObjectResult["action"], ObjectResult["action"]>> = {
  replaced: "configured",
  kept: "unchanged",
};

/** What went wrong first, then what changed; the rest, and the end of what is long, only as far as there is room. */
function boundedResults(results: readonly ObjectResult[]): ObjectResult[] {
  const weight = ({ action }: ObjectResult) => action === "failed" ? 0 : action === "unchanged" ? 2 : 1;
  return results.toSorted((a, b) => weight(a) - weight(b)).slice(0, RESULTS_MAX).map((result) => ({
    ...result,
    group: result.group?.slice(0, OBJECT_NAME_MAX),
    version: result.version?.slice(0, OBJECT_NAME_MAX),
    kind: result.kind.slice(0, OBJECT_NAME_MAX),
    namespace: result.namespace?.slice(0, OBJECT_NAME_MAX),
    name: result.name.slice(0, OBJECT_NAME_MAX),
    error: result.error?.slice(0, ERROR_MAX_LENGTH),
    fields: result.fields?.slice(0, FIELDS_MAX).map((path) => path.slice(0, FIELD_PATH_MAX)),
    health_reason: result.health_reason?.slice(0, REASON_MAX),
  }));
}

function boundedField({ kind, namespace, name, path, manager }: YieldedField): YieldedField {
  return {
    kind: kind?.slice(0, OBJECT_NAME_MAX),
    namespace: namespace?.slice(0, OBJECT_NAME_MAX),
    name: name?.slice(0, OBJECT_NAME_MAX),
    path: path.slice(0, FIELD_PATH_MAX),
    manager: manager.slice(0, OBJECT_NAME_MAX),
  };
}

function boundedWarnings(warnings: readonly string[]): string[] {
  return warnings.slice(0, WARNINGS_MAX).map((warning) => warning.slice(0, WARNING_MAX_LENGTH));
}
