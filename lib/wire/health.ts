import { z } from "zod";
import { Time, Uuid } from "./common.ts";

const RECORDS_MAX = 1_000;
const TEXTS_MAX = 1_000;

/** What existing agents say of one object of a workload. */
const ResourceHealth = z.object({
  kind: z.string(),
  name: z.string(),
  namespace: z.string(),
  ready: z.boolean(),
  message: z.string().nullish(),
}).meta({ id: "ResourceHealth" });

/** What existing agents saw of a deployment object's workloads. */
const HealthSummary = z.object({
  pods_ready: z.int32().meta({ format: "int32" }),
  pods_total: z.int32().meta({ format: "int32" }),
  conditions: z.array(z.string()).max(TEXTS_MAX),
  resources: z.array(ResourceHealth).max(TEXTS_MAX).nullish(),
}).meta({ id: "HealthSummary" });
/** The type of the shape of the same name. */
export type HealthSummary = z.infer<typeof HealthSummary>;

/**
 * What an existing agent says of one deployment object. The broker answers a bad status with `invalid_health_record`.
 */
const DeploymentObjectHealthUpdate = z.object({
  id: Uuid,
  status: z.string(),
  checked_at: z.iso.datetime({ offset: true }),
  summary: HealthSummary.nullish(),
}).meta({ id: "DeploymentObjectHealthUpdate" });
/** The type of the shape of the same name. */
export type DeploymentObjectHealthUpdate = z.infer<typeof DeploymentObjectHealthUpdate>;

/** What an existing agent says of all that it has. */
export const HealthStatusUpdate = z.object({
  deployment_objects: z.array(DeploymentObjectHealthUpdate).max(RECORDS_MAX),
}).meta({ id: "HealthStatusUpdate" });

/** Health in the words of existing clients. */
const OldHealth = z.enum(["failing", "degraded", "unknown", "healthy"]);

/** How a deployment object fares with one agent. */
const DeploymentHealth = z.object({
  id: Uuid,
  agent_id: Uuid,
  deployment_object_id: Uuid,
  status: OldHealth,
  summary: z.string().nullable(),
  checked_at: Time,
  created_at: Time,
  updated_at: Time,
}).meta({ id: "DeploymentHealth" });

/** How a deployment object fares, worst and one by one. */
export const DeploymentHealthResponse = z.object({
  deployment_object_id: Uuid,
  health_records: z.array(DeploymentHealth),
  overall_status: OldHealth,
}).meta({ id: "DeploymentHealthResponse" });

/** With how many agents a deployment object fares how. */
const DeploymentObjectHealthSummary = z.object({
  id: Uuid,
  status: OldHealth,
  healthy_agents: z.int(),
  degraded_agents: z.int(),
  failing_agents: z.int(),
}).meta({ id: "DeploymentObjectHealthSummary" });

/** How a stack fares, by the deployment objects that its agents have. */
export const StackHealthResponse = z.object({
  stack_id: Uuid,
  deployment_objects: z.array(DeploymentObjectHealthSummary),
  overall_status: OldHealth,
}).meta({ id: "StackHealthResponse" });
