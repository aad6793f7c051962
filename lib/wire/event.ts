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

/** What an agent did to one object. */
export const ObjectAction = z.enum(["created", "configured", "unchanged", "deleted", "failed"]);
/** The type of the shape of the same name. */
export type ObjectAction = z.infer<typeof ObjectAction>;

/** How long the kind, the namespace and the name of a result may be. */
export const OBJECT_NAME_MAX = 255;

/** The result of one object of a bundle. */
export const ObjectResult = z.object({
  kind: z.string().max(OBJECT_NAME_MAX),
  namespace: z.string().max(OBJECT_NAME_MAX).optional(),
  name: z.string().max(OBJECT_NAME_MAX),
  action: ObjectAction,
  error: z.string().optional(),
}).meta({ id: "ObjectResult" });
/** The type of the shape of the same name. */
export type ObjectResult = z.infer<typeof ObjectResult>;

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
}).meta({ id: "AgentEvent" });
/** The type of the shape of the same name. */
export type AgentEvent = z.infer<typeof AgentEvent>;

const MESSAGE_MAX = 64 * 1024;
const RESULTS_MAX = 10_000;

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
  reason: z.string().max(255).optional(),
  revision: z.int().min(0).optional(),
  attempts: z.int32().min(0).optional(),
  next_retry_at: Time.optional(),
  results: z.array(ObjectResult).max(RESULTS_MAX).optional(),
}).meta({ id: "NewAgentEvent" });
/** The type of the shape of the same name. */
export type NewAgentEvent = z.infer<typeof NewAgentEvent>;
