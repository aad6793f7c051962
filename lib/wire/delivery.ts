import { z } from "zod";
import { Time, Uuid } from "./common.ts";
import { AgentEvent, FIELDS_MAX, HealthStatus, ObjectAction } from "./event.ts";

/** How lately an agent gave a sign of life. */
export const Connectivity = z.enum(["connected", "late", "lost", "never"]);
/** How far one (agent, stack) is on its way to the desired object. */
export const DeliveryState = z.enum([
  "pending",
  "applying",
  "applied",
  "failed",
  "blocked",
  "terminating",
  "removed",
]);

/** How many objects there are of each health. */
export const ObjectCounts = z.object({
  total: z.int(),
  healthy: z.int(),
  progressing: z.int(),
  degraded: z.int(),
  unknown: z.int(),
}).meta({ id: "ObjectCounts" });

/** One submission, as a delivery names it. */
const DeliveredObject = z.object({ id: Uuid, sequence_id: z.int(), submitted_at: Time }).meta({
  id: "DeliveredObject",
});

/** What an agent that is late or lost last said of a delivery, and how long ago it saw it so. */
const LastKnown = z.object({
  health: HealthStatus,
  reason: z.string().nullable(),
  at: Time,
  age_seconds: z.number(),
}).meta({ id: "LastKnown" });

const DELIVERY = {
  agent: z.object({ id: Uuid, name: z.string(), cluster_name: z.string(), connectivity: Connectivity }),
  stack: z.object({ id: Uuid, name: z.string() }),
  generator_id: Uuid,
  desired: DeliveredObject,
  applied: DeliveredObject.nullable(),
  state: DeliveryState,
  /** As it is believed: of an agent that is late or lost it is `unknown`, and `last_known` says what it was. */
  health: HealthStatus,
  health_reason: z.string().nullable(),
  last_known: LastKnown.nullable(),
  reason: z.string().nullable(),
  message: z.string().nullable(),
  attempts: z.int(),
  desired_at: Time,
  delivered_at: Time.nullable(),
  applied_at: Time.nullable(),
  /** The first time for the desired object. */
  healthy_at: Time.nullable(),
  observed_at: Time,
  /** For how long all this has been known. */
  age_seconds: z.number(),
  is_stale: z.boolean(),
  next_retry_at: Time.nullable(),
  held_revision: z.int().nullable(),
  trace_id: z.string().nullable(),
};

/** One (agent, stack) on its way to the desired object. */
export const Delivery = z.object({ ...DELIVERY, objects: ObjectCounts.nullable() }).meta({ id: "Delivery" });

/** What an agent last said of one object of a delivery. */
export const DeliveryObject = z.object({
  group: z.string().nullable(),
  version: z.string().nullable(),
  kind: z.string(),
  namespace: z.string().nullable(),
  name: z.string(),
  action: ObjectAction,
  health: HealthStatus,
  /** What the health was when the agent was last heard. */
  last_known_health: HealthStatus.nullable(),
  reason: z.string().nullable(),
  /** The paths that differed. */
  fields: z.array(z.string()).max(FIELDS_MAX),
  error: z.string().nullable(),
}).meta({ id: "DeliveryObject" });

/** Why a delivery is not converged, and what ends that. */
const CAUSE = {
  code: z.string(),
  text: z.string(),
  since: Time,
  /** A command for a shell with `BROKKR_URL` and `BROKKR_PAK`, or for the cluster; null where waiting is all. */
  next: z.string().nullable(),
  /** The page of the documents that says more. */
  see: z.string(),
};
const Cause = z.object(CAUSE).meta({ id: "Cause" });

/** A cause with how many agents have it, in the words of the first. */
export const StackCause = z.object({
  ...CAUSE,
  agents: z.int(),
  first_agents: z.array(z.object({ id: Uuid, name: z.string() })),
}).meta({ id: "StackCause" });

/** A delivery with all that is known of it. */
export const DeliveryDetails = z.object({
  ...DELIVERY,
  /** The most basic first; none of a delivery that is converged. */
  causes: z.array(Cause),
  object_counts: ObjectCounts.nullable(),
  /** The worst first. */
  objects: z.array(DeliveryObject),
  /** How many more there are, none of them worse. */
  objects_omitted: z.int(),
  warnings: z.array(z.string()),
  /** What the agent reported of it, newest first. */
  history: z.array(AgentEvent),
}).meta({ id: "DeliveryDetails" });
