import { isFailure, messageOf } from "$lib/error.ts";
import {
  type ApiResource,
  isCalledInVain,
  isRefused,
  type Kubernetes,
  type KubernetesObject,
  type ObjectMeta,
  type ObjectPlace,
} from "$lib/kubernetes.ts";
import { isCustom } from "../apply/order.ts";
import { type Discovery, listAnyVersion } from "../discovery.ts";
import { type GroupKind, groupKindOf, groupKindText, objectKey, PART_OF } from "../names.ts";

/** An object in the cluster that carries a set's label. */
export interface Member {
  readonly key: string;
  readonly groupKind: GroupKind;
  readonly place: ObjectPlace;
  readonly meta: ObjectMeta;
}

/** What a set holds, as far as it could be listed. */
export interface Members {
  readonly byKey: ReadonlyMap<string, Member>;
  /** Lists that failed: as long as there is one, nobody knows all members. */
  readonly failures: readonly string[];
  /** Of those, the kinds of which {@linkcode isAway} holds, by `groupKindText`. */
  readonly away: ReadonlySet<string>;
}

/** Where a set's members can be. */
export interface SetScope {
  readonly setId: string;
  readonly groupKinds: readonly GroupKind[];
  /** Every namespace that a member can be in; a few are listed each by itself, many by one list over all. */
  readonly namespaces: readonly string[];
}

/** Up to so many namespaces are listed each by itself: that needs no right to list the whole cluster. */
const FEW = 4;

/**
 * Whether an API server says that what it asks does not answer: a webhook, or the server that has what there is of a
 * type. That says nothing against objects that were as they should be, but that nobody can compare them now.
 */
export function isAway(error: unknown, groupKind: GroupKind): boolean {
  if (isCalledInVain(error)) return true;
  return isCustom(groupKind) && isFailure(error, "kubernetes_unavailable") && error.details?.status !== undefined;
}

/** Lists a set's members, with only their metadata, kind by kind. */
export async function listMembers(
  { kubernetes, discovery }: { readonly kubernetes: Kubernetes; readonly discovery: Discovery },
  scope: SetScope,
  signal: AbortSignal,
): Promise<Members> {
  const failures: string[] = [];
  const away = new Set<string>();
  const lists = await Promise.all(scope.groupKinds.map(async (groupKind) => {
    try {
      return await listKind({ kubernetes, discovery }, { ...scope, groupKind }, signal);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${groupKindText(groupKind)}: ${messageOf(error)}`);
      if (isAway(error, groupKind)) away.add(groupKindText(groupKind));
      return [];
    }
  }));
  return { byKey: new Map(lists.flat().map((member) => [member.key, member])), failures, away };
}

/** A kind whose definition is gone has no members. */
async function listKind(
  { kubernetes, discovery }: { readonly kubernetes: Kubernetes; readonly discovery: Discovery },
  { groupKind, ...scope }: SetScope & { readonly groupKind: GroupKind },
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const list = async (resource: ApiResource) => {
    const objects = await listObjects(kubernetes, { ...scope, resource }, signal);
    return objects.map(({ metadata }) => memberOf(resource, metadata));
  };
  return await listAnyVersion(discovery, { groupKind, list }, signal) ?? [];
}

/** Where an agent may not list the whole cluster, many namespaces are listed each by itself, too. */
async function listObjects(
  kubernetes: Kubernetes,
  { resource, setId, namespaces }: Omit<SetScope, "groupKinds"> & { readonly resource: ApiResource },
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  const selected = { labelSelector: `${PART_OF}=${setId}`, signal };
  const listEach = async () =>
    (await Promise.all(namespaces.map((namespace) => kubernetes.listMetadata(resource, { ...selected, namespace }))))
      .flatMap(({ items }) => items);
  if (resource.namespaced && namespaces.length <= FEW) return await listEach();
  try {
    return (await kubernetes.listMetadata(resource, selected)).items;
  } catch (error) {
    if (!resource.namespaced || !isRefused(error, 403)) throw error;
    return await listEach();
  }
}

/** An object of this resource as a member. */
function memberOf(resource: ApiResource, meta: ObjectMeta): Member {
  const { name, namespace } = meta;
  const groupKind = groupKindOf(resource);
  const place = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  return { key: objectKey(groupKind, place), groupKind, place, meta };
}
