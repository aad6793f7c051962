import type { ApiResource, Kubernetes, KubernetesObject, ObjectPlace } from "$lib/kubernetes.ts";
import { NAMESPACE } from "./application.ts";

/** One object of the application as the cluster has it. */
export interface Sight {
  /** Such as `Deployment web`. */
  readonly object: string;
  /** `absent`, or what can be said of it: `Active`, `2 of 3 available`, `present`. */
  readonly state: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  /** The stack that has it. */
  readonly stackId: string | undefined;
  /** How its present content is called among those of the same name: a new one by each change of what it should be. */
  readonly content: string;
}

/** Looks at the application's objects in the cluster, in the order of its bundle. */
export interface Watcher {
  look(): Promise<readonly Sight[]>;
  /** Deletes one of them, as a person would. */
  remove(object: string): Promise<void>;
}

const OBJECTS = [
  { apiVersion: "v1", kind: "Namespace", name: NAMESPACE },
  { apiVersion: "v1", kind: "ConfigMap", name: "web-page", namespace: NAMESPACE },
  { apiVersion: "apps/v1", kind: "Deployment", name: "web", namespace: NAMESPACE },
  { apiVersion: "v1", kind: "Service", name: "web", namespace: NAMESPACE },
] as const;

/** A watcher with a door of its own, so that the agent's metrics count the agent's requests alone. */
export async function watcher(kubernetes: Kubernetes): Promise<Watcher> {
  const places = new Map<string, ObjectPlace>();
  for (const { apiVersion, kind, ...place } of OBJECTS) {
    places.set(`${kind} ${place.name}`, { resource: await resourceOf(kubernetes, { apiVersion, kind }), ...place });
  }
  return {
    async look() {
      return await Promise.all([...places].map(async ([object, place]) => sight(object, await kubernetes.get(place))));
    },
    async remove(object) {
      const place = places.get(object);
      const found = place === undefined ? undefined : await kubernetes.get(place);
      if (place === undefined || found?.metadata.uid === undefined) {
        throw new Error(`Cannot remove ${object}: it is absent`);
      }
      await kubernetes.delete(place, { uid: found.metadata.uid });
    },
  };
}

async function resourceOf(
  kubernetes: Kubernetes,
  { apiVersion, kind }: { apiVersion: string; kind: string },
): Promise<ApiResource> {
  const found = (await kubernetes.discover(apiVersion))?.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`Cannot watch ${kind}: the cluster has no such kind in ${apiVersion}`);
  return found;
}

function sight(object: string, found: KubernetesObject | undefined): Sight {
  const { uid, resourceVersion, generation, annotations } = found?.metadata ?? {};
  const stackId = annotations?.["k8s.brokkr.io/stack"];
  const content = JSON.stringify([uid, generation, found?.data]);
  return { object, state: found === undefined ? "absent" : stateOf(found), uid, resourceVersion, stackId, content };
}

interface Status {
  readonly phase?: string;
  readonly availableReplicas?: number;
  readonly observedGeneration?: number;
}

function stateOf(object: KubernetesObject): string {
  const status = (object.status ?? {}) as Status;
  if (object.kind !== "Deployment") return status.phase ?? "present";
  const { replicas } = object.spec as { replicas: number };
  const isCurrent = status.observedGeneration === object.metadata.generation;
  return `${isCurrent ? status.availableReplicas ?? 0 : 0} of ${replicas} available`;
}

/** Whether the cluster has all that the bundle asks for. */
export function isComplete(sights: readonly Sight[]): boolean {
  return sights.every(({ state }) => state !== "absent" && !isWaiting(state));
}

function isWaiting(state: string): boolean {
  const pods = /^(\d+) of (\d+) available$/.exec(state);
  return pods !== null && pods[1] !== pods[2];
}
