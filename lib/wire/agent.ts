import { z } from "zod";
import { KeptName, Name, Tag, TagValue, Time, Uuid } from "./common.ts";
import { Connectivity, DeliveryState } from "./delivery.ts";
import { HealthStatus } from "./event.ts";

/** The attribute of a Resource by which the broker knows whose telemetry an agent sends through it. */
export const AGENT_ID_ATTRIBUTE = "brokkr.agent.id";

/** Whether an agent writes to its cluster. */
const AgentStatus = z.enum(["ACTIVE", "INACTIVE"]);

/** How many deliveries an agent has: of each state, and of each health as it is believed. */
const AgentDeliveries = z.object({
  by_state: z.record(DeliveryState, z.int()),
  by_health: z.record(HealthStatus, z.int()),
}).meta({ id: "AgentDeliveries" });

/** An agent as the broker shows it; one of 0.10.0 leaves out what it does not know. */
export const Agent = z.object({
  id: Uuid,
  name: z.string(),
  cluster_name: z.string(),
  status: AgentStatus,
  last_heartbeat: Time.nullable(),
  k8s_reachable: z.boolean().nullable(),
  k8s_api_latency_ms: z.int32().meta({ format: "int32" }).nullable(),
  k8s_reported_at: Time.nullable(),
  k8s_version: z.string().nullish(),
  agent_version: z.string().nullish(),
  connectivity: Connectivity.optional(),
  heartbeat_age_seconds: z.number().nullish(),
  deliveries: AgentDeliveries.optional(),
  created_at: Time,
  updated_at: Time,
  deleted_at: Time.nullable(),
}).meta({ id: "Agent" });
/** The type of the shape of the same name. */
export type Agent = z.infer<typeof Agent>;

/** A new agent; it is `INACTIVE` until told otherwise. */
export const CreateAgentRequest = z.object({
  name: Name,
  cluster_name: Name,
  generator_ids: z.array(Uuid).max(1000).optional(),
}).meta({ id: "CreateAgentRequest" });

/** A new agent and its key, shown this once. */
export const CreateAgentResponse = z.object({ agent: Agent, initial_pak: z.string() })
  .meta({ id: "CreateAgentResponse" });

/**
 * What may change of an agent, beside the rest of an agent as it was read: what never changes must be as it is, and
 * what changes by itself is ignored. Any other field is `unsupported_field`.
 */
export const UpdateAgentRequest = z.strictObject({
  name: KeptName.optional(),
  cluster_name: KeptName.optional(),
  status: AgentStatus.optional(),
  id: Uuid.optional(),
  created_at: z.iso.datetime({ offset: true }).optional(),
  deleted_at: z.unknown(),
  updated_at: z.unknown(),
  last_heartbeat: z.unknown(),
  k8s_reachable: z.unknown(),
  k8s_api_latency_ms: z.unknown(),
  k8s_reported_at: z.unknown(),
  k8s_version: z.unknown(),
  agent_version: z.unknown(),
  connectivity: z.unknown(),
  heartbeat_age_seconds: z.unknown(),
  deliveries: z.unknown(),
}).partial().meta({ id: "UpdateAgentRequest" });

/** An agent with its new key, shown this once. */
export const RotatedAgentPak = z.object({ agent: Agent, pak: z.string() }).meta({ id: "RotatedAgentPak" });

/** A label of an agent. */
export const AgentLabel = z.object({ id: Uuid, agent_id: Uuid, label: z.string() }).meta({ id: "AgentLabel" });
/** A label to add. The broker answers a bad one with `invalid_label`. */
export const NewAgentLabel = z.object({ agent_id: Uuid, label: Tag }).meta({ id: "NewAgentLabel" });

/** An annotation of an agent. */
export const AgentAnnotation = z.object({ id: Uuid, agent_id: Uuid, key: z.string(), value: z.string() })
  .meta({ id: "AgentAnnotation" });
/** An annotation to add. The broker answers a bad one with `invalid_annotation`. */
export const NewAgentAnnotation = z.object({ agent_id: Uuid, key: Tag, value: TagValue }).meta({
  id: "NewAgentAnnotation",
});

/** An explicit link agent → stack. */
export const AgentTarget = z.object({ id: Uuid, agent_id: Uuid, stack_id: Uuid }).meta({ id: "AgentTarget" });
/** A link to make. */
export const NewAgentTarget = z.object({ agent_id: Uuid, stack_id: Uuid }).meta({ id: "NewAgentTarget" });

/** An agent's consent to receive from a generator. */
export const AgentGeneratorRegistration = z.object({
  id: Uuid,
  agent_id: Uuid,
  generator_id: Uuid,
  registered_at: Time,
}).meta({ id: "AgentGeneratorRegistration" });
/** Who registers: an agent may leave its own id out. */
export const AgentRegistrationBody = z.object({ agent_id: Uuid.nullish() }).meta({ id: "AgentRegistrationBody" });

/** A sign of life, with what the agent knows of its API server. */
export const HeartbeatReport = z.object({
  k8s_reachable: z.boolean().nullish(),
  k8s_api_latency_ms: z.int32().min(0).meta({ format: "int32" }).nullish(),
  k8s_version: z.string().max(255).nullish(),
  agent_version: z.string().max(255).nullish(),
}).meta({ id: "HeartbeatReport" });
/** The type of the shape of the same name. */
export type HeartbeatReport = z.infer<typeof HeartbeatReport>;

/**
 * A person's word that what the agent's guard holds at `revision` may be pruned, of all its stacks; with `stack_id`,
 * that the removal of that very stack may go on, held at `revision` by the guard or by what lives in a namespace of it.
 */
export const ApprovePruneRequest = z.object({ revision: z.int().min(0), stack_id: Uuid.optional() })
  .meta({ id: "ApprovePruneRequest" });
