import { z } from "zod";
import { Time, Uuid } from "./common.ts";
import { AgentEvent } from "./event.ts";

/** An agent at a glance, as dashboards of existing clients read it. Of work orders and WebSockets there are none. */
export const FleetAgentRecord = z.object({
  agent_id: Uuid,
  name: z.string(),
  cluster_name: z.string(),
  status: z.string(),
  last_heartbeat: Time.nullable(),
  heartbeat_age_seconds: z.int().nullable(),
  k8s_reachable: z.boolean().nullable(),
  k8s_api_latency_ms: z.int().nullable(),
  last_event_at: Time.nullable(),
  seconds_since_last_event: z.int().nullable(),
  /** Deployment objects that the agent has not said it applied, or could not. */
  pending_object_count: z.int(),
  health_degraded: z.int(),
  health_failing: z.int(),
  pending_work_orders: z.int(),
  claimed_work_orders: z.int(),
  ws_connected: z.boolean(),
  connected_since: Time.nullable(),
}).meta({ id: "FleetAgentRecord" });

/** An agent at a glance, and what it reported last. */
export const AgentFleetStatusResponse = z.object({
  record: FleetAgentRecord,
  recent_events: z.array(AgentEvent),
}).meta({ id: "AgentFleetStatusResponse" });
