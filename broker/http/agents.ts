import { z } from "zod";
import { Failure } from "$lib/error.ts";
import {
  Agent,
  CreateAgentRequest,
  CreateAgentResponse,
  HeartbeatReport,
  RotatedAgentPak,
  UpdateAgentRequest,
} from "$lib/wire/agent.ts";
import { RotatePakRequest } from "$lib/wire/common.ts";
import { HEALTH_STATUSES } from "$lib/wire/event.ts";
import { mayActAsAgent, mayChangeAgent, mayRotate, mayUseAgent } from "../domain/access.ts";
import {
  type Agent as KeptAgent,
  type Connectivity,
  type ConnectivityLimits,
  connectivityOf,
  isSilent,
} from "../domain/agent.ts";
import { DELIVERY_STATES } from "../domain/delivery.ts";
import { mintPak } from "../domain/pak.ts";
import { ownHash } from "./auth.ts";
import { checkChangedNames } from "./changed_names.ts";
import { endpoint } from "./endpoint.ts";
import { faultyInput } from "./problem.ts";
import { mapPage } from "./reply.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";

const PATH = "/api/v1/agents";
const ONE = `${PATH}/{id}` as const;

const list = endpoint({
  method: "get",
  path: PATH,
  roles: ["admin", "generator"],
  summary: "All agents, or those of a name; for a generator those registered with it",
  query: PageQuery.extend({ name: z.string().optional() }),
  answers: { 200: z.array(Agent) },
  handle: async ({ query: { name, ...paging }, caller, limits }, { agents }) => {
    const page = agents.list({ name, generatorId: caller.role === "admin" ? undefined : caller.id }, paging);
    return mapPage(await page, (agent) => agentBody(agent, limits));
  },
});

const find = endpoint({
  method: "get",
  path: `${PATH}/`,
  roles: ["admin", "agent"],
  summary: "The agent of a name and a cluster name",
  query: z.object({ name: z.string().optional(), cluster_name: z.string().optional() }),
  answers: { 200: Agent },
  handle: async ({ query: { name, cluster_name }, caller, limits }, { agents }) => {
    if (!name || !cluster_name) {
      throw new Failure("name_and_cluster_required", "Cannot find the agent: name and cluster_name are both required");
    }
    const agent = await agents.getByName(name, cluster_name);
    mayUseAgent(caller, agent.id);
    return agentBody(agent, limits);
  },
});

const create = endpoint({
  method: "post",
  path: PATH,
  roles: ["admin"],
  summary: "Make an agent, inactive at first; its key is shown this once",
  body: { shape: CreateAgentRequest },
  answers: { 201: CreateAgentResponse },
  handle: async ({ body, limits }, { agents }) => {
    const { name, cluster_name: clusterName, generator_ids: generatorIds = [] } = body;
    const { pak, hash } = await mintPak();
    const agent = await agents.add({ name, clusterName, generatorIds, pakHash: hash });
    return { agent: agentBody(agent, limits), initial_pak: pak };
  },
});

const get = endpoint({
  method: "get",
  path: ONE,
  roles: ["admin", "agent"],
  summary: "One agent",
  params: IdPath,
  answers: { 200: Agent },
  handle: async ({ params: { id }, caller, limits }, { agents }) => {
    mayUseAgent(caller, id);
    return agentBody(await agents.get(id), limits);
  },
});

const change = endpoint({
  method: "put",
  path: ONE,
  roles: ["admin", "agent"],
  summary:
    "Change an agent's name, cluster name or status, by the whole of it if you like; the agent itself its status",
  params: IdPath,
  body: { shape: UpdateAgentRequest },
  answers: { 200: Agent },
  handle: async ({ params: { id }, body, caller, limits }, { agents }) => {
    mayUseAgent(caller, id);
    const agent = await agents.get(id);
    mustStay(agent, body);
    const wanted = { name: body.name, clusterName: body.cluster_name, status: body.status };
    mayChangeAgent(caller, agent, wanted);
    const kept = { name: agent.name, cluster_name: agent.clusterName };
    checkChangedNames({ name: body.name, cluster_name: body.cluster_name }, kept);
    return agentBody(await agents.change(id, wanted), limits);
  },
});

const remove = endpoint({
  method: "delete",
  path: ONE,
  roles: ["admin"],
  summary: "Delete an agent; its key ends with it",
  params: IdPath,
  answers: { 204: Nothing },
  handle: async ({ params: { id } }, { agents }) => await agents.remove(id),
});

const rotatePak = endpoint({
  method: "post",
  path: `${ONE}/rotate-pak`,
  roles: ["admin", "agent"],
  summary: "Give an agent a new key, shown this once; the old one ends, its owner's own after a while",
  params: IdPath,
  body: { shape: RotatePakRequest.prefault({}) },
  answers: { 200: RotatedAgentPak },
  handle: async ({ params: { id }, body, caller, request, limits }, { agents }) => {
    mayUseAgent(caller, id);
    mayRotate(caller);
    const { pak, hash: pakHash } = await mintPak();
    const from = caller.role === "agent" ? ownHash(request, caller) : undefined;
    const keepsFormer = caller.role === "agent" && body.revoke !== true;
    return { agent: agentBody(await agents.changePak(id, { pakHash, keepsFormer, from }), limits), pak };
  },
});

const heartbeat = endpoint({
  method: "post",
  path: `${ONE}/heartbeat`,
  roles: ["agent"],
  isTraced: false,
  summary: "A sign of life of the agent itself",
  params: IdPath,
  body: { shape: HeartbeatReport.prefault({}) },
  answers: { 204: Nothing },
  handle: async ({ params: { id }, body, caller }, { agents }) => {
    mayActAsAgent(caller, id);
    return await agents.heartbeat(id, {
      k8sReachable: body.k8s_reachable ?? undefined,
      k8sApiLatencyMs: body.k8s_api_latency_ms ?? undefined,
      k8sVersion: body.k8s_version ?? undefined,
      agentVersion: body.agent_version ?? undefined,
    });
  },
});

/** Agents themselves: identity, keys and signs of life. */
export const AGENTS = [list, find, create, get, change, remove, rotatePak, heartbeat] as const;

type UpdateAgentRequest = z.output<typeof UpdateAgentRequest>;

/** @throws {Failure} `unsupported_field`, which names what can't be changed and is not as it is. */
function mustStay({ id, createdAt }: KeptAgent, body: UpdateAgentRequest): void {
  const changed = [
    { path: "id", isChanged: (body.id ?? id) !== id },
    { path: "deleted_at", isChanged: (body.deleted_at ?? null) !== null },
    { path: "created_at", isChanged: !isSameTime(body.created_at, createdAt) },
  ].filter(({ isChanged }) => isChanged).map(({ path }) => ({ path, message: "can't be changed" }));
  if (changed.length > 0) throw faultyInput("unsupported_field", `Cannot change agent "${id}"`, changed);
}

/** Clients keep times with more or fewer digits than the broker writes. */
function isSameTime(given: string | undefined, kept: Date): boolean {
  return given === undefined || Math.abs(Date.parse(given) - kept.getTime()) < 1_000;
}

/** An agent as the API shows it. */
function agentBody(agent: KeptAgent, limits: ConnectivityLimits): z.input<typeof Agent> {
  const connectivity = connectivityOf(agent.heartbeatAgeSeconds, limits);
  return {
    id: agent.id,
    name: agent.name,
    cluster_name: agent.clusterName,
    status: agent.status,
    last_heartbeat: agent.lastHeartbeat?.toISOString() ?? null,
    k8s_reachable: agent.k8sReachable ?? null,
    k8s_api_latency_ms: agent.k8sApiLatencyMs ?? null,
    k8s_reported_at: agent.k8sReportedAt?.toISOString() ?? null,
    k8s_version: agent.k8sVersion ?? null,
    agent_version: agent.agentVersion ?? null,
    connectivity,
    heartbeat_age_seconds: agent.heartbeatAgeSeconds ?? null,
    deliveries: deliveriesBody(agent.deliveries, connectivity),
    created_at: agent.createdAt.toISOString(),
    updated_at: agent.updatedAt.toISOString(),
    deleted_at: null,
  };
}

/** What is gone has no health, and what a silent agent said of it is not believed. */
function deliveriesBody(counts: KeptAgent["deliveries"], connectivity: Connectivity) {
  const byState = zeros(DELIVERY_STATES);
  const byHealth = zeros(HEALTH_STATUSES);
  for (const { state, health, deliveries } of counts) {
    byState[state] += deliveries;
    if (state !== "removed") byHealth[isSilent(connectivity) ? "unknown" : health] += deliveries;
  }
  return { by_state: byState, by_health: byHealth };
}

function zeros<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
}
