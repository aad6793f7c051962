import { systemClock } from "$lib/clock.ts";
import { newId, random } from "$lib/ids.ts";
import {
  type ApiResource,
  type Kubernetes,
  type KubernetesObject,
  type ObjectPlace,
  openKubernetes,
} from "$lib/kubernetes.ts";
import { type AppliedObject, type HealthNews, HealthWatch } from "../../../agent/deliver/health_watch.ts";
import { createDiscovery } from "../../../agent/kube/discovery.ts";
import type { Compared } from "../../../agent/kube/watch/drift.ts";
import { generationOf, marksOf } from "../../../agent/kube/records/marks.ts";
import { type GroupKind, groupKindOf, objectKey, OWNER_ID, PART_OF, STACK } from "../../../agent/kube/names.ts";
import { Watches } from "../../../agent/loops/watch.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { waitFor } from "../../run/wait.ts";

/** One stack of an agent in a namespace of its own, with everything of it watched, and what the watches said. */
export interface WatchWorld {
  readonly namespace: string;
  readonly setId: string;
  readonly kubernetes: Kubernetes;
  readonly watches: Watches;
  /** Names of objects that were not as recorded, in the order they were heard of. */
  readonly drifts: readonly string[];
  /** What was said of the stack's health, and when. */
  readonly news: readonly HealthNews[];
  /** Requests since the last call, by operation and result. */
  counts(): Readonly<Record<string, number>>;
  /** Applies an object for the stack, and records it as an agent does. */
  apply(resource: ApiResource, name: string, body: Readonly<Record<string, unknown>>): Promise<KubernetesObject>;
  place(resource: ApiResource, name: string): ObjectPlace;
  /** Opens the watches, as after a turn: all that was applied is as it is recorded. */
  watch(...resources: readonly ApiResource[]): Promise<void>;
  /** Tells the health watch of what was applied. */
  lookAtAll(): void;
  /** Resolves once the claim holds; rejects, with what was heard, after two minutes. */
  until(claim: () => boolean): Promise<void>;
}

const NAMESPACES: ApiResource = {
  apiVersion: "v1",
  kind: "Namespace",
  resource: "namespaces",
  namespaced: false,
  verbs: [],
};

/** Opens a world in a cluster. */
export async function openWatchWorld(kubeconfigPath: string): Promise<WatchWorld & AsyncDisposable> {
  const [agentId, stackId] = [newId(), newId()];
  const [namespace, setId] = [`watch-${agentId.slice(0, 8)}`, `applyset-${agentId}-v1`];
  const clock = systemClock();
  const { metrics, counts } = countingMetrics();
  const options = { kubeconfigPath, env: {}, clock, random, log: silentLog(), userAgent: "brokkr-agent/watch" };
  const kubernetes = await openKubernetes({ ...options, metrics });
  await kubernetes.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const records = new Map<string, Compared>();
  const applied = new Map<string, AppliedObject>();
  const [drifts, news] = [[] as string[], [] as HealthNews[]];
  const ending = new AbortController();
  const shared = { clock, random, log: silentLog(), kubernetes, discovery: createDiscovery(kubernetes) };
  const health = new HealthWatch({
    ...shared,
    doorOf: (stack) => kubernetes.forStack(stack),
    isWatched: (groupKind) => watches.isWatched(groupKind),
    onHealth: (_, one) => news.push(one),
    onCounted: () => {},
  }, ending.signal);
  const watches = new Watches({
    ...shared,
    namespacesOf: () => [namespace],
    agentId,
    compared: (key) => records.get(key),
    isDriftOff: () => false,
    isInTurn: () => false,
    onDrift: (_, keys) => drifts.push(...keys.map(nameOf)),
    onChange: (stack, key) => health.changed(stack, key),
  }, ending.signal);
  const kinds = new Map<string, GroupKind>();
  const place = (resource: ApiResource, name: string) => ({
    resource,
    name,
    ...(resource.namespaced ? { namespace } : {}),
  });
  async function until(claim: () => boolean): Promise<void> {
    const detail = () => Promise.resolve(JSON.stringify({ drifts, news: news.map(wordsOf) }));
    await waitFor(() => Promise.resolve(claim() || undefined), { what: "see the claim hold", intervalMs: 20, detail });
  }
  return {
    ...{ namespace, setId, kubernetes, watches, drifts, news, counts, place, until },
    async apply(resource, name, body) {
      const { apiVersion, kind } = resource;
      const annotations = { [OWNER_ID]: agentId, [STACK]: stackId };
      const { resource: _, ...where } = place(resource, name);
      const metadata = { ...where, labels: { [PART_OF]: setId }, annotations };
      const { object } = await kubernetes.apply(place(resource, name), { apiVersion, kind, metadata, ...body });
      const { uid = "", resourceVersion } = object.metadata;
      const groupKind = groupKindOf(resource);
      const generation = generationOf(groupKind, object.metadata);
      const key = objectKey(groupKind, where);
      records.set(key, { stackId, uid, generation, resourceVersion, marks: marksOf(object.metadata) });
      applied.set(key, { key, groupKind, place: place(resource, name), uid, isWritten: true });
      return object;
    },
    async watch(...resources) {
      for (const resource of resources) kinds.set(resource.kind, groupKindOf(resource));
      watches.setKinds([...kinds.values()]);
      await until(() => [...kinds.values()].every((groupKind) => watches.isWatched(groupKind)));
    },
    lookAtAll: () =>
      health.noteApplied(stackId, { objects: [...applied.values()], alwaysHealthy: 0, hasWritten: true }),
    async [Symbol.asyncDispose]() {
      ending.abort();
      await Promise.all([watches.ended(), health.ended()]);
      kubernetes.close();
    },
  };
}

/** A stack's health in words. */
export function wordsOf({ health, reason }: HealthNews): string {
  return reason === undefined ? health : `${health} ${reason}`;
}

function nameOf(key: string): string {
  return JSON.parse(key)[3];
}
