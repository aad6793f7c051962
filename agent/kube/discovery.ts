import { Failure } from "$lib/error.ts";
import {
  type ApiResource,
  isRefused,
  type Kubernetes,
  type KubernetesObject,
  type ObjectPlace,
} from "$lib/kubernetes.ts";
import { type GroupKind, groupKindOf, groupKindText, groupOf } from "./names.ts";

/** What the API server can hold, asked once per group and version, and again when something is missing. */
export interface Discovery {
  /** The resource of this kind, or undefined when the API server has none. */
  find(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ApiResource | undefined>;
  /** Whether {@linkcode Discovery.findAnyVersion} finds this kind without asking. */
  knows(groupKind: GroupKind): boolean;
  /** The resource of this kind in whatever version the API server has it, the preferred one first. */
  findAnyVersion(groupKind: GroupKind, signal?: AbortSignal): Promise<ApiResource | undefined>;
  /** Every resource that can be listed and deleted, asked anew; each once, in its preferred version. */
  listAll(signal?: AbortSignal): Promise<readonly ApiResource[]>;
  /** Whether the API server serves this group and version now. */
  serves(apiVersion: string, signal?: AbortSignal): Promise<boolean>;
  /** The group versions by which the API server serves this kind now; what was known of the group is forgotten. */
  servedVersions(groupKind: GroupKind, signal?: AbortSignal): Promise<readonly string[]>;
  /**
   * Whether a kind that the API server does not serve is truly gone, so that there are no objects of it. One whose
   * definition is there and serves no version has its objects still; they only can't be seen.
   *
   * @throws {Failure} when the definitions can't be seen.
   */
  isGone(groupKind: GroupKind, signal: AbortSignal): Promise<boolean>;
  /**
   * Whether another server answers for a custom type, by an APIService: it has no definition. Where definitions can't
   * be seen, nobody knows of one that does.
   */
  isOfOtherServer(resource: ApiResource, signal?: AbortSignal): Promise<boolean>;
  /** Lets the next look at this group and version ask the API server. */
  forget(apiVersion: string): void;
}

/** Definitions of custom types. */
export const DEFINITIONS: ApiResource = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  resource: "customresourcedefinitions",
  namespaced: false,
  verbs: [],
};

/** A discovery that has asked nothing yet. */
export function createDiscovery(kubernetes: Kubernetes): Discovery {
  const known = new Map<string, readonly ApiResource[]>();
  const otherServers = new WeakMap<ApiResource, boolean>(); // asked anew of what discovery names anew

  async function ask(apiVersion: string, signal?: AbortSignal): Promise<readonly ApiResource[]> {
    const resources = await kubernetes.discover(apiVersion, signal) ?? [];
    known.set(apiVersion, resources);
    return resources;
  }

  async function find(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ApiResource | undefined> {
    const cached = known.get(apiVersion)?.find((resource) => resource.kind === kind);
    return cached ?? (await ask(apiVersion, signal)).find((resource) => resource.kind === kind);
  }

  function findKnown(groupKind: GroupKind): ApiResource | undefined {
    for (const resources of known.values()) {
      const cached = resources.find((resource) => isOf(resource, groupKind));
      if (cached !== undefined) return cached;
    }
    return undefined;
  }

  async function findAnyVersion(groupKind: GroupKind, signal?: AbortSignal): Promise<ApiResource | undefined> {
    const cached = findKnown(groupKind);
    if (cached !== undefined) return cached;
    const groups = await kubernetes.discoverGroups(signal);
    for (const apiVersion of groups.find(({ name }) => name === groupKind.group)?.apiVersions ?? []) {
      const found = (await ask(apiVersion, signal)).find(({ kind }) => kind === groupKind.kind);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async function listAll(signal?: AbortSignal): Promise<readonly ApiResource[]> {
    const groups = await kubernetes.discoverGroups(signal);
    const apiVersions = groups.flatMap((group) => group.apiVersions);
    const all = (await Promise.all(apiVersions.map((apiVersion) => ask(apiVersion, signal)))).flat();
    const first = new Map<string, ApiResource>();
    for (const resource of all.filter(({ verbs }) => verbs.includes("list") && verbs.includes("delete"))) {
      const name = groupKindText(groupKindOf(resource));
      if (!first.has(name)) first.set(name, resource);
    }
    return [...first.values()];
  }

  async function servedVersions({ group, kind }: GroupKind, signal?: AbortSignal): Promise<readonly string[]> {
    for (const apiVersion of known.keys()) if (groupOf(apiVersion) === group) known.delete(apiVersion);
    const { apiVersions = [] } = (await kubernetes.discoverGroups(signal)).find(({ name }) => name === group) ?? {};
    const serving = await Promise.all(apiVersions.map((apiVersion) => ask(apiVersion, signal)));
    return apiVersions.filter((_, index) => serving[index]?.some((resource) => resource.kind === kind));
  }

  async function isGone({ group, kind }: GroupKind, signal: AbortSignal): Promise<boolean> {
    if (!group.includes(".")) return true;
    if (await find(DEFINITIONS.apiVersion, DEFINITIONS.kind, signal) === undefined) return true;
    const { items } = await kubernetes.listMetadata(DEFINITIONS, { signal });
    const names = items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith(`.${group}`));
    const definitions = await Promise.all(names.map((name) => kubernetes.get({ resource: DEFINITIONS, name }, signal)));
    return !definitions.some((definition) => definition !== undefined && defines(definition, kind));
  }

  return {
    isGone,
    async isOfOtherServer(resource, signal) {
      const answer = otherServers.get(resource) ?? await lacksDefinition(kubernetes, resource, signal);
      otherServers.set(resource, answer);
      return answer;
    },
    find,
    knows: (groupKind) => findKnown(groupKind) !== undefined,
    findAnyVersion,
    listAll,
    servedVersions,
    serves: async (apiVersion, signal) => (await ask(apiVersion, signal)).length > 0,
    forget: (apiVersion) => known.delete(apiVersion),
  };
}

/** False where nobody can see that. */
async function lacksDefinition(
  kubernetes: Pick<Kubernetes, "get">,
  { resource, apiVersion }: ApiResource,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    return await kubernetes.get({ resource: DEFINITIONS, name: `${resource}.${groupOf(apiVersion)}` }, signal) ===
      undefined;
  } catch (error) {
    if (!isRefused(error, 403)) throw error;
    return false;
  }
}

/** Where a request about an object found no such path, its type may have another scope or other versions by now. */
export function forgetUnserved(discovery: Pick<Discovery, "forget">, { resource }: ObjectPlace, error: unknown): void {
  if (isRefused(error, 404, 405)) discovery.forget(resource.apiVersion);
}

/**
 * What a list of a kind gives, in whatever version it is served. Where there is no such path, which says nothing of
 * objects, another version may be served by now: then that is listed.
 *
 * @returns Undefined where the kind's definition is gone, and its objects with it.
 * @throws {Failure} where it is only not served: then it has its objects still, and nobody sees them.
 */
export async function listAnyVersion<T>(
  discovery: Pick<Discovery, "findAnyVersion" | "isGone" | "forget">,
  { groupKind, list }: { readonly groupKind: GroupKind; readonly list: (resource: ApiResource) => Promise<T> },
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let tries = 1;; tries += 1) {
    const resource = await discovery.findAnyVersion(groupKind, signal);
    if (resource === undefined) {
      if (await discovery.isGone(groupKind, signal)) return undefined;
      throw new Failure("kubernetes_unavailable", UNSERVED);
    }
    try {
      return await list(resource);
    } catch (error) {
      if (!isRefused(error, 404) || tries > 1) throw error;
      discovery.forget(resource.apiVersion);
    }
  }
}

const UNSERVED = "its definition serves no version, so nobody can see what there is of it";

function defines({ spec }: KubernetesObject, kind: string): boolean {
  return (spec as { readonly names?: { readonly kind?: string } } | undefined)?.names?.kind === kind;
}

function isOf(resource: ApiResource, { group, kind }: GroupKind): boolean {
  return resource.kind === kind && groupKindOf(resource).group === group;
}
