import { systemClock } from "$lib/clock.ts";
import { newId, random } from "$lib/ids.ts";
import {
  type ApiResource,
  isRefused,
  type Kubernetes,
  type KubernetesObject,
  type ObjectPlace,
  openKubernetes,
} from "$lib/kubernetes.ts";
import { compareObjects } from "../../../agent/kube/compare/differences.ts";
import { foldPatch, foldPlan } from "../../../agent/kube/compare/folding.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";

/** A cluster with a namespace of the case's own, and doors to it for whoever writes there. */
export interface CompareWorld {
  readonly namespace: string;
  /** The agent's. */
  readonly kubernetes: Kubernetes;
  /** A door of somebody whose field manager has this name. */
  as(manager: string): Promise<Kubernetes>;
}

/** What must hold of what an agent compares, folds, leaves out and replaces, on every kind of cluster. */
export interface CompareCase {
  readonly name: string;
  /** On clusters where it cannot hold, the reason. */
  readonly skipOn?: { readonly simulated?: string; readonly real?: string };
  run(world: CompareWorld): Promise<void>;
}

/** Opens a world of its own for one case. */
export async function openWorld(kubeconfigPath: string): Promise<CompareWorld & Disposable> {
  const doors: Kubernetes[] = [];
  const as = async (manager: string) => {
    const door = await openKubernetes({
      kubeconfigPath,
      env: {},
      metrics: countingMetrics().metrics,
      clock: systemClock(),
      random,
      log: silentLog(),
      userAgent: `${manager}/1`,
    });
    doors.push(door);
    return door;
  };
  const kubernetes = await as("brokkr-agent");
  const namespace = `compare-${newId().slice(0, 8)}`;
  await kubernetes.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  return { namespace, kubernetes, as, [Symbol.dispose]: () => doors.forEach((door) => door.close()) };
}

const NAMESPACE = type("v1", "Namespace", "namespaces", false);

/** Where the cases' objects are. */
export const TYPES = {
  configMaps: type("v1", "ConfigMap", "configmaps"),
  statefulSets: type("apps/v1", "StatefulSet", "statefulsets"),
  jobs: type("batch/v1", "Job", "jobs"),
  definitions: type("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false),
} as const;

/** A resource by its names. */
export function type(apiVersion: string, kind: string, resource: string, namespaced = true): ApiResource {
  return { apiVersion, kind, resource, namespaced, verbs: [] };
}

/** A ConfigMap with this content. */
export function configMap(data: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" }, data };
}

/** A StatefulSet with this Pod: a workload that no controller of any cluster writes to here. */
export function statefulSet(pod: Readonly<Record<string, unknown>>, spec: Readonly<Record<string, unknown>> = {}) {
  const labels = { app: "one" };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "one" },
    spec: {
      serviceName: "one",
      selector: { matchLabels: labels },
      ...spec,
      template: { metadata: { labels }, spec: pod },
    },
  };
}

/** A container with a port. */
export function container(name: string, more: Readonly<Record<string, unknown>> = {}) {
  return { name, image: "registry.example/app:1", ports: [{ containerPort: 8080 }], ...more };
}

/** The place of the object of the cases. */
export function placeOf({ namespace }: CompareWorld, resource: ApiResource): ObjectPlace {
  return { resource, ...(resource.namespaced ? { namespace } : {}), name: "one" };
}

/** How an object is brought to its manifest. */
export interface Bringing {
  readonly isMade: boolean;
  readonly formerManagers?: readonly string[];
}

/**
 * What an agent does with one object: dry run, fold, apply.
 *
 * @returns The object then, and the fields at which the next dry run differs from it: none, or the next turn has work
 * again.
 */
export async function bring(
  world: CompareWorld,
  manifest: KubernetesObject,
  { isMade, formerManagers = [] }: Bringing,
): Promise<{ readonly object: KubernetesObject; readonly left: readonly string[] }> {
  const { kubernetes } = world;
  const place = placeOf(world, resourceOf(manifest));
  const { object: after } = await kubernetes.apply(place, manifest, { dryRun: true });
  await rewrite(world, place, (live) => {
    const plan = foldPlan({ live, after, isMade, formerManagers });
    return plan && foldPatch(live, plan);
  });
  const { object } = await kubernetes.apply(place, manifest);
  const { object: next } = await kubernetes.apply(place, manifest, { dryRun: true });
  return { object, left: compareObjects(object, next).fields.map(({ path }) => path) };
}

/** Lays a JSON patch on the live object, made anew where somebody wrote it meanwhile: a controller its status, say. */
export async function rewrite(
  { kubernetes }: CompareWorld,
  place: ObjectPlace,
  patchOf: (live: KubernetesObject) => unknown,
): Promise<void> {
  for (;;) {
    const live = await kubernetes.get(place);
    const patch = live && patchOf(live);
    if (patch === undefined) return;
    try {
      await kubernetes.patch(place, patch, { type: "json" });
      return;
    } catch (error) {
      if (!isRefused(error, 409)) throw error;
    }
  }
}

/** The resource of an object of the cases. */
export function resourceOf({ kind }: KubernetesObject): ApiResource {
  const found = Object.values(TYPES).find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`no type of the cases has the kind "${kind}"`);
  return found;
}
