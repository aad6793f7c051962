import type { z } from "zod";
import { isFailure } from "$lib/error.ts";
import { DeploymentHealthResponse, HealthStatusUpdate, StackHealthResponse } from "$lib/wire/health.ts";
import { mayActAsAgent } from "../domain/access.ts";
import { oldHealthOf, readOldHealth, worstOf } from "../domain/old_health.ts";
import type { ConditionCount, ObjectHealth } from "../store/health.ts";
import { endpoint } from "./endpoint.ts";
import { IdPath, Nothing } from "./shapes.ts";

type SummaryBody = z.input<typeof StackHealthResponse>["deployment_objects"][number];
type RecordBody = z.input<typeof DeploymentHealthResponse>["health_records"][number];

const report = endpoint({
  method: "patch",
  path: "/api/v1/agents/{id}/health-status",
  roles: ["agent"],
  summary:
    "What an existing agent says of how well its deployment objects work; those that are no more are passed over",
  params: IdPath,
  body: { shape: HealthStatusUpdate },
  answers: { 200: Nothing },
  handle: async ({ params: { id: agentId }, body, caller }, { deliveries }) => {
    mayActAsAgent(caller, agentId);
    const records = body.deployment_objects.map((record) => ({ objectId: record.id, health: readOldHealth(record) }));
    for (const record of records) {
      await deliveries.report({ agentId, ...record }).catch((error) => {
        if (!isFailure(error, "deployment_object_not_found")) throw error;
      });
    }
    return new Response(undefined, { status: 200 });
  },
});

const ofStack = endpoint({
  method: "get",
  path: "/api/v1/stacks/{id}/health",
  roles: ["admin"],
  summary: "How a stack fares, by the deployment objects that its agents have, in the words of existing clients",
  params: IdPath,
  answers: { 200: StackHealthResponse },
  handle: async ({ params: { id }, limits }, { stacks, health }) => {
    await stacks.get(id);
    const byObject = Map.groupBy(await health.ofStack(id, limits), ({ objectId }) => objectId);
    const objects = [...byObject].map(([objectId, counts]) => summaryBody(objectId, counts));
    return { stack_id: id, deployment_objects: objects, overall_status: worstOf(objects.map(({ status }) => status)) };
  },
});

const ofObject = endpoint({
  method: "get",
  path: "/api/v1/deployment-objects/{id}/health",
  roles: ["admin"],
  summary: "How a deployment object fares with each agent that says so, in the words of existing clients",
  params: IdPath,
  answers: { 200: DeploymentHealthResponse },
  handle: async ({ params: { id }, limits }, { objects, health }) => {
    await objects.get(id);
    const records = (await health.ofObject(id, limits)).map((one) => recordBody(id, one));
    const overall = worstOf(records.map(({ status }) => status));
    return { deployment_object_id: id, health_records: records, overall_status: overall };
  },
});

/** How well things work, as existing agents and clients say it. */
export const HEALTH = [report, ofStack, ofObject] as const;

function summaryBody(id: string, counts: readonly ConditionCount[]): SummaryBody {
  const words = counts.map((count) => ({ word: oldHealthOf(count), deliveries: count.deliveries }));
  const agents = (wanted: string) =>
    words.filter(({ word }) => word === wanted).reduce((sum, { deliveries }) => sum + deliveries, 0);
  return {
    id,
    status: worstOf(words.map(({ word }) => word)),
    healthy_agents: agents("healthy"),
    degraded_agents: agents("degraded"),
    failing_agents: agents("failing"),
  };
}

function recordBody(objectId: string, health: ObjectHealth): RecordBody {
  return {
    id: health.id,
    agent_id: health.agentId,
    deployment_object_id: objectId,
    status: oldHealthOf(health),
    summary: health.reason ?? null,
    checked_at: health.checkedAt.toISOString(),
    created_at: health.createdAt.toISOString(),
    updated_at: health.updatedAt.toISOString(),
  };
}
