import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { Uuid } from "$lib/wire/common.ts";
import { AgentFleetStatusResponse, FleetAgentRecord } from "$lib/wire/fleet.ts";
import { type Agent, type ConnectivityLimits, connectivityOf, isSilent } from "../domain/agent.ts";
import { oldHealthOf } from "../domain/old_health.ts";
import type { FleetAgent } from "../store/fleet.ts";
import type { Page } from "../store/mod.ts";
import { eventBody } from "./agent_events.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { IdPath, PageQuery } from "./shapes.ts";

type RecordBody = z.input<typeof FleetAgentRecord>;

/** Agents that are read at once. */
const BATCH = 500;
const RECENT_EVENTS = 20;

const list = endpoint({
  method: "get",
  path: "/api/v1/fleet",
  roles: ["admin"],
  summary: "Every agent at a glance; with pak_id that agent, or those of a generator",
  query: PageQuery.extend({ pak_id: Uuid.optional() }),
  answers: { 200: z.array(FleetAgentRecord) },
  handle: async ({ query: { pak_id: id, ...paging }, limits, request, sendLong }, { fleet, keys }) => {
    const isGenerator = id !== undefined && await keys.isGenerator(id);
    const filter = isGenerator ? { generatorId: id } : { agentId: id };
    const write = (agent: FleetAgent) => recordBody(agent, limits);
    if (paging.limit !== undefined || paging.cursor !== undefined) {
      return mapPage(await fleet.list(filter, paging), write);
    }
    const first = await fleet.list(filter, { limit: BATCH });
    if (first.next === undefined) return mapPage(first, write);
    const headers = { "content-type": JSON_TYPE };
    if (request.method === "HEAD") return new Response(undefined, { headers });
    const more = (cursor: string) => fleet.list(filter, { limit: BATCH, cursor });
    return await sendLong(written(first, { write, more }), headers);
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/agents/{id}/fleet-status",
  roles: ["admin"],
  summary: "One agent at a glance, and what it reported last",
  params: IdPath,
  answers: { 200: AgentFleetStatusResponse },
  handle: async ({ params: { id }, limits }, { fleet, events }) => {
    const { items: [agent] } = await fleet.list({ agentId: id });
    if (agent === undefined) throw new Failure("agent_not_found", `Cannot find agent "${id}": there is none`);
    const recent = await events.list({ agentId: id }, { limit: RECENT_EVENTS });
    return { record: recordBody(agent, limits), recent_events: recent.items.map(eventBody) };
  },
});

/** Agents at a glance, as dashboards of existing clients show them. */
export const FLEET = [list, get] as const;

interface Writing {
  readonly write: (agent: FleetAgent) => RecordBody;
  readonly more: (cursor: string) => Promise<Page<FleetAgent>>;
}

/** All agents as one list, batch by batch as it is read. */
async function* written(first: Page<FleetAgent>, { write, more }: Writing): AsyncGenerator<string> {
  for (let page: Page<FleetAgent> | undefined = first; page !== undefined;) {
    yield (page === first ? "[" : ",") + page.items.map((agent) => JSON.stringify(write(agent))).join(",");
    page = page.next === undefined ? undefined : await more(page.next);
  }
  yield "]";
}

function recordBody({ agent, lastEventAt, now }: FleetAgent, limits: ConnectivityLimits): RecordBody {
  return {
    agent_id: agent.id,
    name: agent.name,
    cluster_name: agent.clusterName,
    status: agent.status,
    last_heartbeat: agent.lastHeartbeat?.toISOString() ?? null,
    heartbeat_age_seconds: wholeSeconds(agent.heartbeatAgeSeconds),
    k8s_reachable: agent.k8sReachable ?? null,
    k8s_api_latency_ms: agent.k8sApiLatencyMs ?? null,
    last_event_at: lastEventAt?.toISOString() ?? null,
    seconds_since_last_event: wholeSeconds(lastEventAt && Math.max(0, now.getTime() - lastEventAt.getTime()) / 1_000),
    ...countsBody(agent, limits),
    pending_work_orders: 0,
    claimed_work_orders: 0,
    ws_connected: false,
    connected_since: null,
  };
}

function countsBody({ deliveries, heartbeatAgeSeconds }: Agent, limits: ConnectivityLimits) {
  const isStale = isSilent(connectivityOf(heartbeatAgeSeconds, limits));
  const counts = { pending_object_count: 0, health_degraded: 0, health_failing: 0 };
  for (const { state, health, deliveries: count } of deliveries) {
    if (state === "pending" || state === "applying") counts.pending_object_count += count;
    const word = state === "removed" ? "unknown" : oldHealthOf({ state, health, isStale });
    if (word === "degraded") counts.health_degraded += count;
    if (word === "failing") counts.health_failing += count;
  }
  return counts;
}

function wholeSeconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.floor(seconds);
}
