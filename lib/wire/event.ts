import { z } from "zod";
import { Time, Uuid } from "./common.ts";

/** What was tried. */
const EventType = z.enum(["DEPLOY", "DELETE"]);
/** How it ended. */
const EventStatus = z.enum(["SUCCESS", "FAILURE"]);
/** The states an agent can report of a delivery. */
export const ReportedState = z.enum(["applying", "applied", "failed", "blocked", "removed"]);
/** The type of the shape of the same name. */
export type ReportedState = z.infer<typeof ReportedState>;

/**
 * Why a delivery is not as it should be, as our agent says it. On the wire a reason is any text, so that the words of
 * agents of old and of later ones are kept as they came.
 */
export const REPORT_REASONS = [
  "invalid_bundle",
  "refused",
  "apply_failed",
  "list_failed",
  "prune_failed",
  "broker_rejected",
  "kubernetes_rejected",
  "unavailable",
  "going",
  "prune_held",
  "epoch_hold",
  "internal",
  "suspended",
  "namespace_not_empty",
  "waiting",
  "wanted_elsewhere",
] as const;
/** One of {@linkcode REPORT_REASONS}. */
export type ReportReason = (typeof REPORT_REASONS)[number];

/**
 * What an agent did to one object: `replaced` is deleted and made anew, `kept` is left in the cluster, ours no more.
 */
export const ObjectAction = z.enum(["created", "configured", "unchanged", "replaced", "kept", "deleted", "failed"]);
/** The type of the shape of the same name. */
export type ObjectAction = z.infer<typeof ObjectAction>;

/** How well what was applied works; a stack is as well as the worst of its objects. */
export const HEALTH_STATUSES = ["healthy", "progressing", "degraded", "unknown"] as const;
/** One of {@linkcode HEALTH_STATUSES}. */
export const HealthStatus = z.enum(HEALTH_STATUSES);
/** The type of the shape of the same name. */
export type HealthStatus = z.infer<typeof HealthStatus>;

/** How long the kind, the namespace and the name of a result, and a field manager's name, may be. */
export const OBJECT_NAME_MAX = 255;
/** How long a path of a field may be. */
export const FIELD_PATH_MAX = 512;
/** How many paths the result of one object may name. */
export const FIELDS_MAX = 20;
/** How long a reason, of a state or of a health, may be. */
export const REASON_MAX = 255;

/** The result of one object of a bundle. */
export const ObjectResult = z.object({
  group: z.string().max(OBJECT_NAME_MAX).optional(),
  version: z.string().max(OBJECT_NAME_MAX).optional(),
  kind: z.string().max(OBJECT_NAME_MAX),
  namespace: z.string().max(OBJECT_NAME_MAX).optional(),
  name: z.string().max(OBJECT_NAME_MAX),
  action: ObjectAction,
  /** The paths at which the live object differed, never a value. */
  fields: z.array(z.string().max(FIELD_PATH_MAX)).max(FIELDS_MAX).optional(),
  error: z.string().optional(),
  health: HealthStatus.optional(),
  health_reason: z.string().max(REASON_MAX).optional(),
  /** When the agent saw the object so. */
  health_at: Time.optional(),
}).meta({ id: "ObjectResult" });
/** The type of the shape of the same name. */
export type ObjectResult = z.infer<typeof ObjectResult>;

/** The health of a stack: that of its worst object, and when the agent saw it so. */
const StackHealth = z.object({
  status: HealthStatus,
  reason: z.string().max(REASON_MAX).optional(),
  at: Time,
}).meta({ id: "StackHealth" });
/** The type of the shape of the same name. */
export type StackHealth = z.infer<typeof StackHealth>;

/** A field that the agent leaves to another manager, who took it back again and again. */
const YieldedField = z.object({
  kind: z.string().max(OBJECT_NAME_MAX).optional(),
  namespace: z.string().max(OBJECT_NAME_MAX).optional(),
  name: z.string().max(OBJECT_NAME_MAX).optional(),
  path: z.string().max(FIELD_PATH_MAX),
  manager: z.string().max(OBJECT_NAME_MAX),
}).meta({ id: "YieldedField" });
/** The type of the shape of the same name. */
export type YieldedField = z.infer<typeof YieldedField>;

/** What an agent said happened. */
export const AgentEvent = z.object({
  id: Uuid,
  agent_id: Uuid,
  deployment_object_id: Uuid,
  event_type: z.string(),
  status: z.string(),
  message: z.string().nullable(),
  created_at: Time,
  updated_at: Time,
  deleted_at: Time.nullable(),
  /** The trace of what it is about, where that is exported. */
  trace_id: z.string().optional(),
}).meta({ id: "AgentEvent" });
/** The type of the shape of the same name. */
export type AgentEvent = z.infer<typeof AgentEvent>;

const MESSAGE_MAX = 64 * 1024;
/** How many objects' results a report may hold. */
export const RESULTS_MAX = 10_000;
/** How many fields a report may name as left to others. */
export const YIELDED_MAX = 1_000;
/** How many warnings a report may hold. */
export const WARNINGS_MAX = 100;
/** How long one warning of a report may be. */
export const WARNING_MAX_LENGTH = 1_024;

/**
 * A report. Clients of old give `event_type`, `status` and `deployment_object_id`; our agent gives `state`, `stack_id`
 * and, to be counted once however often it is sent and to lose against what it said later, `boot_id` and `seq`.
 */
export const NewAgentEvent = z.object({
  agent_id: Uuid,
  deployment_object_id: Uuid.optional(),
  stack_id: Uuid.optional(),
  event_type: EventType.optional(),
  status: EventStatus.optional(),
  message: z.string().max(MESSAGE_MAX).nullish(),
  boot_id: Uuid.optional(),
  seq: z.int().min(0).optional(),
  state: ReportedState.optional(),
  reason: z.string().max(REASON_MAX).optional(),
  revision: z.int().min(0).optional(),
  attempts: z.int32().min(0).meta({ format: "int32" }).optional(),
  next_retry_at: Time.optional(),
  results: z.array(ObjectResult).max(RESULTS_MAX).optional(),
  health: StackHealth.optional(),
  yielded: z.array(YieldedField).max(YIELDED_MAX).optional(),
  /** What was done otherwise than the bundle says, such as owner references that were left out. */
  warnings: z.array(z.string().max(WARNING_MAX_LENGTH)).max(WARNINGS_MAX).optional(),
}).meta({ id: "NewAgentEvent" });
/** The type of the shape of the same name. */
export type NewAgentEvent = z.infer<typeof NewAgentEvent>;
