import { type ApiResource, type Kubernetes, type ObjectMeta, type ObjectPlace } from "$lib/kubernetes.ts";
import { isFailure, messageOf } from "$lib/error.ts";
import type { Discovery } from "./discovery.ts";
import { type GroupKind, groupKindOf, groupKindText, objectKey, PART_OF } from "./names.ts";

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
}

/** Where a set's members can be. */
export interface SetScope {
  readonly setId: string;
  readonly groupKinds: readonly GroupKind[];
  /** Every namespace that a member can be in; one alone is listed by itself, several by one list over all. */
  readonly namespaces: readonly string[];
}

/** Lists a set's members, with only their metadata: one list for each kind. */
export async function listMembers(
  { kubernetes, discovery }: { readonly kubernetes: Kubernetes; readonly discovery: Discovery },
  scope: SetScope,
  signal: AbortSignal,
): Promise<Members> {
  const failures: string[] = [];
  const lists = await Promise.all(scope.groupKinds.map(async (groupKind) => {
    try {
      return await listKind({ kubernetes, discovery }, { ...scope, groupKind }, signal);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${groupKindText(groupKind)}: ${messageOf(error)}`);
      return [];
    }
  }));
  return { byKey: new Map(lists.flat().map((member) => [member.key, member])), failures };
}

/** A kind that the API server does not know (any more) has no members. */
async function listKind(
  { kubernetes, discovery }: { readonly kubernetes: Kubernetes; readonly discovery: Discovery },
  { groupKind, setId, namespaces }: SetScope & { readonly groupKind: GroupKind },
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const resource = await discovery.findAnyVersion(groupKind, signal);
  if (resource === undefined) return [];
  const only = resource.namespaced && namespaces.length === 1 ? namespaces[0] : undefined;
  const options = { labelSelector: `${PART_OF}=${setId}`, signal, ...(only === undefined ? {} : { namespace: only }) };
  try {
    const objects = await kubernetes.listMetadata(resource, options);
    return objects.map(({ metadata }) => memberOf(resource, metadata));
  } catch (error) {
    if (!isFailure(error, "kubernetes_rejected") || error.details?.status !== 404) throw error;
    discovery.forget(resource.apiVersion);
    if (await discovery.findAnyVersion(groupKind, signal) === undefined) return [];
    throw error;
  }
}

/** An object of this resource as a member. */
function memberOf(resource: ApiResource, meta: ObjectMeta): Member {
  const { name, namespace } = meta;
  const groupKind = groupKindOf(resource);
  const place = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  return { key: objectKey(groupKind, place), groupKind, place, meta };
}
