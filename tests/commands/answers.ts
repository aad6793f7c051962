import type { z } from "zod";
import type { Agent } from "$lib/wire/agent.ts";
import type { Delivery, DeliveryDetails, StackCause } from "$lib/wire/delivery.ts";
import type { Generator } from "$lib/wire/generator.ts";
import type { DeploymentObject, Stack, StackSubmission } from "$lib/wire/stack.ts";
import { NOW } from "./called.ts";

const ID = (last: number) => `00000000-0000-4000-8000-${String(last).padStart(12, "0")}`;
/** So many seconds before {@linkcode NOW}. */
const ago = (seconds: number) => new Date(Date.parse(NOW) - seconds * 1_000).toISOString();

type AgentBody = z.input<typeof Agent>;
type DeliveryBody = z.input<typeof Delivery>;
type SubmissionBody = z.input<typeof StackSubmission>;

/** The stack of all answers. */
export const STACK: z.input<typeof Stack> = {
  ...{
    id: ID(100),
    name: "shop",
    description: "the shop, 店",
    generator_id: ID(200),
    suspended: false,
    drift: "repair",
  },
  ...{ default_namespace: "shop", created_at: ago(86_400 * 3), updated_at: ago(60), deleted_at: null },
};

/** Who submits: a team, and the admin's own. */
export const GENERATORS: readonly z.input<typeof Generator>[] = [
  {
    ...{ id: STACK.generator_id, name: "team", description: "the shop's", is_system: false, is_active: true },
    ...{ last_active_at: ago(30), created_at: ago(86_400 * 9), updated_at: ago(900), deleted_at: null },
  },
  {
    ...{ id: ID(201), name: "admin-generator", description: null, is_system: true, is_active: true },
    ...{ last_active_at: null, created_at: ago(86_400 * 9), updated_at: ago(900), deleted_at: null },
  },
];

const NO_STATES = { pending: 0, applying: 0, applied: 0, failed: 0, blocked: 0, terminating: 0, removed: 0 };
const NO_HEALTH = { healthy: 0, progressing: 0, degraded: 0, unknown: 0 };

function counts(states: Partial<typeof NO_STATES>, health: Partial<typeof NO_HEALTH>): AgentBody["deliveries"] {
  return { by_state: { ...NO_STATES, ...states }, by_health: { ...NO_HEALTH, ...health } };
}

/** An agent, connected unless something else is said. */
function agent(number: number, name: string, more: Partial<AgentBody> = {}): AgentBody {
  return {
    ...{ id: ID(number), name, cluster_name: `${name}-cluster`, status: "ACTIVE", last_heartbeat: ago(4) },
    ...{ k8s_reachable: true, k8s_api_latency_ms: 3, k8s_reported_at: ago(4), k8s_version: "v1.36.3" },
    ...{ agent_version: "0.11.0", connectivity: "connected", heartbeat_age_seconds: 4 },
    deliveries: counts({ applied: 2 }, { healthy: 2 }),
    ...{ created_at: ago(900), updated_at: ago(900), deleted_at: null },
    ...more,
  };
}

/** Three agents: one that is well, one in another script that is late, one that was never there. */
export const AGENTS: readonly AgentBody[] = [
  agent(1, "berlin-1"),
  agent(2, "東京-1", {
    ...{ connectivity: "late", heartbeat_age_seconds: 75 },
    deliveries: counts({ applied: 1, failed: 1, removed: 4 }, { unknown: 2 }),
  }),
  agent(3, "new", {
    ...{
      connectivity: "never",
      heartbeat_age_seconds: null,
      status: "INACTIVE",
      agent_version: null,
      k8s_version: null,
    },
    deliveries: counts({}, {}),
  }),
];

/** The submission that is desired, and what it has the place of. */
const OBJECT = { id: ID(302), sequence_id: 42, submitted_at: ago(30) };
const BEFORE = { id: ID(301), sequence_id: 41, submitted_at: ago(7_200) };

/** A delivery of the stack, applied and healthy unless something else is said. */
export function delivery(number: number, name: string, more: Partial<DeliveryBody> = {}): DeliveryBody {
  return {
    agent: { id: ID(number), name, cluster_name: `${name}-cluster`, connectivity: "connected" },
    ...{
      stack: { id: STACK.id, name: STACK.name },
      generator_id: STACK.generator_id,
      desired: OBJECT,
      applied: OBJECT,
    },
    ...{ state: "applied", health: "healthy", health_reason: null, last_known: null, reason: null },
    ...{ message: "2 unchanged", attempts: 0, desired_at: ago(30), delivered_at: ago(29), applied_at: ago(28) },
    ...{ healthy_at: ago(20), observed_at: ago(5), age_seconds: 5, is_stale: false, next_retry_at: null },
    ...{ held_revision: null, trace_id: null, objects: null },
    ...more,
  };
}

/** One that an API server refuses. */
export const REFUSED = delivery(4, "rome-1", {
  ...{ applied: BEFORE, state: "failed", reason: "refused", attempts: 2, next_retry_at: ago(-20) },
  message: '1 unchanged, 1 failed\nDeployment shop/web: admission webhook \u001b[31m"policy" denied the request',
});
/** One that only its health keeps from being there. */
export const PROGRESSING = delivery(5, "paris-1", {
  ...{ health: "progressing", health_reason: "Deployment shop/web: 1 of 3 available", healthy_at: null },
});
/** One of an agent that is late. */
export const STALE = delivery(2, "東京-1", {
  agent: { id: ID(2), name: "東京-1", cluster_name: "東京-1-cluster", connectivity: "late" },
  ...{
    health: "unknown",
    is_stale: true,
    last_known: { health: "healthy", reason: null, at: ago(80), age_seconds: 80 },
  },
});
/** One whose removal the agent's guard holds. */
export const HELD = delivery(1, "berlin-1", {
  ...{ state: "terminating", reason: "prune_held", held_revision: 1_042, message: "12 objects of 3 stacks would go" },
});

/** Why the stack is not everywhere. */
export const CAUSES: readonly z.input<typeof StackCause>[] = [
  {
    ...{ code: "agent_late", text: 'Agent "東京-1" of cluster "東京-1-cluster" has not been heard of for 75 s' },
    ...{ since: ago(75), next: "kubectl get pods --all-namespaces", see: "how-to/find-out-why.md" },
    ...{ agents: 1, first_agents: [{ id: ID(2), name: "東京-1" }] },
  },
  {
    ...{ code: "admission", text: 'Admission refuses it: "policy" denied the request', since: ago(30), next: null },
    ...{ see: "how-to/find-out-why.md", agents: 7 },
    first_agents: ["a", "b", "c", "d", "e", "f"].map((name, at) => ({ id: ID(50 + at), name })),
  },
];

/** One delivery with all that is known of it. */
export const DETAILS: z.input<typeof DeliveryDetails> = {
  ...(({ objects: _, ...common }) => common)(REFUSED),
  causes: CAUSES.slice(1).map(({ agents: _, first_agents: __, ...cause }) => cause),
  object_counts: { total: 2, healthy: 1, progressing: 0, degraded: 0, unknown: 1 },
  objects: [
    {
      ...{ group: "apps", version: "v1", kind: "Deployment", namespace: "shop", name: "web", action: "failed" },
      ...{ health: "unknown", last_known_health: null, reason: null, fields: [], error: '"policy" denied the request' },
    },
    {
      ...{ group: null, version: "v1", kind: "Namespace", namespace: null, name: "shop", action: "unchanged" },
      ...{ health: "healthy", last_known_health: null, reason: null, fields: [], error: null },
    },
  ],
  ...{ objects_omitted: 0, warnings: [], history: [], trace_id: "0af7651916cd43dd8448eb211c80319c" },
};

/** A submission of the stack's history. */
export function submission(more: Partial<SubmissionBody> = {}): SubmissionBody {
  return {
    ...{ id: OBJECT.id, sequence_id: OBJECT.sequence_id, yaml_checksum: "a1".repeat(32), size_bytes: 4_321 },
    ...{ is_deletion_marker: false, body_kept: true, submitted_at: OBJECT.submitted_at, settled_at: ago(29) },
    submitted_by: { role: "generator", id: ID(200), name: "ci" },
    ...{ agents_desired: 4, agents_applied: 3, agents_healthy: 2, agents_failed: 1 },
    ...more,
  };
}

/** The stack's history. */
export const HISTORY: readonly SubmissionBody[] = [
  submission({ settled_at: null, agents_desired: 0, agents_applied: 0, agents_healthy: 0, agents_failed: 0 }),
  submission({
    ...{ ...BEFORE, size_bytes: null, body_kept: false, submitted_by: { role: "admin", id: ID(201), name: null } },
    ...{ agents_desired: 0, agents_applied: 1, agents_healthy: 1, agents_failed: 0 },
  }),
];

/** What a submission is answered with. */
export const SUBMITTED: z.input<typeof DeploymentObject> = {
  ...{ ...OBJECT, stack_id: STACK.id, yaml_content: "", yaml_checksum: "a1".repeat(32), is_deletion_marker: false },
  ...{ created_at: OBJECT.submitted_at, updated_at: OBJECT.submitted_at, deleted_at: null },
};
