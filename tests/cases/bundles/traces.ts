import { Failure } from "$lib/error.ts";
import type { ApiResource, Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";

const MARK = /^([a-z.]+\.)?(brokkr\.io|applyset\.kubernetes\.io)\//;

/**
 * Everything in the whole cluster that says on itself that it belongs to a stack, records of stacks included, in words.
 * The agent's root, which is of no stack, is left out.
 */
export async function tracesIn(kubernetes: Kubernetes): Promise<readonly string[]> {
  const traces = await Promise.all((await resourcesOf(kubernetes)).map(async (resource) => {
    const { items } = await kubernetes.listMetadata(resource, { pick: ({ metadata }) => metadata });
    return items.filter(isMarked).map(({ namespace, name }) => `${resource.kind} ${namespace ?? ""}/${name}`);
  }));
  return traces.flat();
}

async function resourcesOf(kubernetes: Kubernetes): Promise<readonly ApiResource[]> {
  const groups = await kubernetes.discoverGroups();
  const resources = await Promise.all(
    groups.flatMap(({ apiVersions: [preferred] }) => preferred === undefined ? [] : [servedIn(kubernetes, preferred)]),
  );
  return resources.flat().filter(({ verbs }) => verbs.includes("list") && verbs.includes("delete"));
}

/** An aggregated API that is away shows nothing, and holds nothing of ours. */
async function servedIn(kubernetes: Kubernetes, apiVersion: string): Promise<readonly ApiResource[]> {
  try {
    return await kubernetes.discover(apiVersion) ?? [];
  } catch (error) {
    if (error instanceof Failure && error.code === "kubernetes_unavailable") return [];
    throw error;
  }
}

function isMarked({ labels = {}, annotations = {} }: KubernetesObject["metadata"]): boolean {
  return [...Object.keys(labels), ...Object.keys(annotations)].some((key) => MARK.test(key));
}
