import type { Clock } from "$lib/clock.ts";
import { type ApiResource, isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { Desired } from "../desired.ts";
import { PART_OF } from "../names.ts";
import { PODS } from "../resources.ts";
import { type NamedObject, nameKey, type OwnAccount, ownAccount, podParts } from "./own_pod_parts.ts";
import { bindsAccount, boundNames, CLUSTER_BINDINGS, isRights, NAMESPACED_BINDINGS } from "./own_rights.ts";

/** The Pod that the agent runs in. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** What the agent itself is made of, as far as bundles could reach it. */
export interface OwnPod {
  /** Where it runs; undefined where that is no Namespace of this cluster. */
  readonly namespace: string | undefined;
  /**
   * The keys of those that are part of it, whatever group or version they name them by.
   *
   * @throws {Failure} when that can't be seen: then nobody says that a bundle leaves the agent alone.
   */
  among(desired: readonly Desired[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

/** What finding that out needs: the agent's own door, never a stack's. */
export interface OwnPodParts {
  readonly kubernetes: Pick<Kubernetes, "get" | "list" | "listMetadata">;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined where the agent runs in no Pod of this cluster. */
  readonly pod: PodName | undefined;
}

/** What installed the Pod gave these to everything that came with it. */
const INSTALLATION = ["app.kubernetes.io/name", "app.kubernetes.io/instance"];
const KNOWN_MS = 10 * 60_000;
const BINDINGS_MAX = 10_000;

/**
 * Asks as little as may be, and for no right that a chart would have to grant for this alone but to read one Pod:
 * nothing where a bundle stays out of the Pod's namespace and brings no rights; else, once in ten minutes, the Pod, and
 * one list a kind that the bundle brings there, which the agent lists for its watches anyway.
 */
export function createOwnPod({ kubernetes, clock, log, pod }: OwnPodParts): OwnPod {
  const known = new Map<string, { readonly atMs: number; readonly value: unknown }>();

  async function once<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const last = known.get(what);
    if (last !== undefined && clock.monotonic() - last.atMs < KNOWN_MS) return last.value as T;
    const value = await ask();
    known.set(what, { atMs: clock.monotonic(), value });
    return value;
  }

  async function readPod(place: PodName, signal: AbortSignal): Promise<KubernetesObject | undefined> {
    const live = await kubernetes.get({ resource: PODS, ...place }, signal);
    if (live === undefined) {
      log.warn("the agent's own Pod is not there: bundles may reach what it is made of", { ...place });
    }
    return live;
  }

  /** What was installed with the Pod, of one kind; what a bundle of ours brought is not. */
  async function installed(live: KubernetesObject, resource: ApiResource, signal: AbortSignal) {
    const { labels = {}, namespace } = live.metadata;
    if (!INSTALLATION.every((name) => labels[name] !== undefined)) return [];
    const labelSelector = INSTALLATION.map((name) => `${name}=${labels[name]}`).join(",");
    return await once(`${resource.apiVersion} ${resource.kind}`, async () => {
      const { items } = await kubernetes.listMetadata(resource, { namespace, labelSelector, signal });
      return items.filter(({ metadata }) => metadata.labels?.[PART_OF] === undefined).map(nameOfLive);
    });
  }

  async function bound(account: OwnAccount, namespace: string | undefined, signal: AbortSignal) {
    const resource = namespace === undefined ? CLUSTER_BINDINGS : NAMESPACED_BINDINGS;
    return await once(`bindings ${namespace ?? ""}`, async () => {
      const bindings = await kubernetes.list(resource, { namespace, limit: BINDINGS_MAX, signal });
      return bindings.filter((one) => bindsAccount(one, account)).flatMap(boundNames);
    });
  }

  async function namesFor(live: KubernetesObject, suspects: readonly Desired[], signal: AbortSignal) {
    const account = ownAccount(live);
    const rights = suspects.filter(isRights);
    const kinds = new Map(
      suspects.filter((one) => !isRights(one)).map(({ place: { resource } }) => [resource, resource]),
    );
    const namespaces = new Set(rights.map(({ place: { namespace } }) => namespace));
    if (namespaces.has(undefined)) namespaces.add(account.namespace); // a ClusterRole may be bound in either
    const found = await Promise.all([
      ...[...kinds.values()].map((resource) => orNothing(installed(live, resource, signal))),
      ...[...namespaces].map((namespace) => bound(account, namespace, signal)),
    ]);
    return new Set([...podParts(live), ...found.flat()].map(nameKey));
  }

  return {
    namespace: pod?.namespace,
    async among(desired, signal) {
      if (pod === undefined) return new Set();
      const suspects = desired.filter((one) => one.place.namespace === pod.namespace || isRights(one));
      if (suspects.length === 0) return new Set();
      const live = await once("pod", () => readPod(pod, signal));
      if (live === undefined) return new Set();
      const names = await namesFor(live, suspects, signal);
      const isOwn = (one: Desired) => names.has(nameKey(nameOf(one))) || bindsAccount(one.object, ownAccount(live));
      return new Set(suspects.filter(isOwn).map(({ key }) => key));
    },
  };
}

/** Of a type that is not served, such as one that the bundle itself brings, nothing was installed. */
async function orNothing(names: Promise<readonly NamedObject[]>): Promise<readonly NamedObject[]> {
  try {
    return await names;
  } catch (error) {
    if (isRefused(error, 404)) return [];
    throw error;
  }
}

function nameOf({ place: { resource: { kind }, namespace, name } }: Desired): NamedObject {
  return { kind, namespace, name };
}

function nameOfLive({ kind, metadata: { namespace, name } }: KubernetesObject): NamedObject {
  return { kind, namespace, name };
}
