import type { Admin } from "../cluster/admin.ts";
import { NAMESPACE, type Place, type Release } from "./cluster.ts";
import { over } from "./leaves.ts";
import type { Values } from "./render.ts";
import { AGENT_VALUES } from "./samples.ts";

/** The ServiceAccount of {@linkcode agentRelease}. */
export const ACCOUNT = "edge-brokkr-agent";
/** What is done to what is delivered. */
export const WRITES = ["create", "patch", "delete"];

/** A type, as roles name it. */
export interface Resource {
  readonly name: string;
  readonly group: string;
}

/** The agent's chart with these values beside the least. */
export function agentRelease(values: Values): Release {
  return { name: "edge", chart: "brokkr-agent", values: over(AGENT_VALUES, values) };
}

/** Installs {@linkcode agentRelease}. */
export async function installAgent(place: Place, values: Values): Promise<void> {
  await place.helm("install", agentRelease(values));
}

/** What somebody may. */
export interface Question {
  readonly verb: string;
  readonly resource: Resource;
  /** Left out: in every namespace, or in none. */
  readonly namespace?: string;
  /** Left out: of every name. */
  readonly name?: string;
}

/** Whether the agent's ServiceAccount may, as the API server says. */
export async function may(admin: Admin, { verb, resource, namespace, name }: Question): Promise<boolean> {
  const resourceAttributes = { verb, group: resource.group, resource: resource.name, namespace, name };
  const { status } = await admin.request<{ status: { allowed: boolean } }>(
    "POST",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    { spec: { user: `system:serviceaccount:${NAMESPACE}:${ACCOUNT}`, resourceAttributes } },
  );
  return status.allowed;
}
