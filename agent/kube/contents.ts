import type { ApiResource, Kubernetes, ObjectMeta } from "$lib/kubernetes.ts";
import type { Discovery } from "./discovery.ts";
import { groupKindOf, OWNER_ID, PART_OF } from "./names.ts";
import type { Member } from "./members.ts";
import { type DefinitionStatus, isEstablished } from "./ready.ts";

/** What looking into namespaces and custom types needs. */
export interface ContentsParts {
  readonly kubernetes: Kubernetes;
  readonly discovery: Discovery;
  /** The set whose members are not in the way once they are being deleted. */
  readonly setId: string;
}

interface Found {
  readonly resource: ApiResource;
  readonly meta: ObjectMeta;
}

const NAMED_MAX = 5;

/**
 * What is to stay and would go with this Namespace or CustomResourceDefinition, in words; undefined when nothing would.
 * That is anything of others, and members of the set that are wanted still, or that a person keeps.
 *
 * @throws {Failure} when a list fails: what cannot be seen is not deleted.
 */
export async function inTheWayInside(
  parts: ContentsParts,
  holder: Member,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { groupKind, place } = holder;
  const isNamespace = groupKind.kind === "Namespace";
  const found = isNamespace ? await inNamespace(parts, place.name, signal) : await ofType(parts, holder, signal);
  if (found === undefined) {
    return `${groupKind.kind} "${place.name}" serves no version, so nobody can see what it holds`;
  }
  const staying = found.filter(({ meta }) => !isLeaving(meta, parts));
  if (staying.length === 0) return undefined;
  const named = staying.slice(0, NAMED_MAX).map(nameOf).join(", ");
  const more = staying.length > NAMED_MAX ? ` and ${staying.length - NAMED_MAX} more` : "";
  return `${groupKind.kind} "${place.name}" holds ${named}${more}`;
}

function isLeaving({ labels, deletionTimestamp }: ObjectMeta, { setId }: ContentsParts): boolean {
  return labels?.[PART_OF] === setId && deletionTimestamp !== undefined;
}

async function inNamespace(parts: ContentsParts, namespace: string, signal: AbortSignal): Promise<readonly Found[]> {
  const { kubernetes, discovery } = parts;
  const resources = (await discovery.listAll(signal)).filter(({ namespaced }) => namespaced);
  const lists = await Promise.all(resources.map(async (resource) => {
    const { items: objects } = await kubernetes.listMetadata(resource, { namespace, signal });
    return objects.map(({ metadata }): Found => ({ resource, meta: metadata }));
  }));
  const all = lists.flat();
  const namespaced = await namespacedOwners(parts, all, signal);
  return all.filter((found) => !isOfKubernetes(found, all) && !isOwnedWithin(found, namespaced));
}

/** Undefined when that cannot be seen. A definition that was never Established has never had an object. */
async function ofType(
  { kubernetes, discovery }: ContentsParts,
  { place }: Member,
  signal: AbortSignal,
): Promise<readonly Found[] | undefined> {
  const { spec, status } = await kubernetes.get(place, signal) as Partial<CustomType> | undefined ?? {};
  const resource = await discovery.findAnyVersion({ group: spec?.group ?? "", kind: spec?.names.kind ?? "" }, signal);
  if (resource === undefined) return isEstablished(status) ? undefined : [];
  const { items: objects } = await kubernetes.listMetadata(resource, { signal });
  return objects.map(({ metadata }): Found => ({ resource, meta: metadata }));
}

interface CustomType {
  readonly spec: { readonly group: string; readonly names: { readonly kind: string } };
  readonly status: DefinitionStatus;
}

/** What Kubernetes puts into every namespace by itself, or beside an object that is judged for itself. */
function isOfKubernetes({ resource, meta }: Found, all: readonly Found[]): boolean {
  const { group, kind } = groupKindOf(resource);
  if (kind === "Event") return true;
  if (group === "" && kind === "ConfigMap") return meta.name === "kube-root-ca.crt";
  if (group === "" && kind === "ServiceAccount") return meta.name === "default";
  if (group !== "" || kind !== "Endpoints") return false;
  return meta.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller" || isLabelledLikeService(meta) ||
    all.some((other) => other.resource.kind === "Service" && other.meta.name === meta.name);
}

/** Before 1.33 Endpoints carry their Service's labels, ours too, and nothing else; they outlive it for a moment. */
function isLabelledLikeService({ labels, annotations }: ObjectMeta): boolean {
  return labels?.[PART_OF] !== undefined && annotations?.[OWNER_ID] === undefined;
}

/** Something made by an object of the same namespace goes with that one, which is judged for itself. */
function isOwnedWithin({ meta }: Found, namespaced: ReadonlySet<string>): boolean {
  return meta.ownerReferences?.some(({ apiVersion, kind }) => namespaced.has(`${apiVersion} ${kind}`)) ?? false;
}

async function namespacedOwners(
  { discovery }: ContentsParts,
  all: readonly Found[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const owners = new Map(
    all.flatMap(({ meta }) => meta.ownerReferences ?? []).map((owner) => [`${owner.apiVersion} ${owner.kind}`, owner]),
  );
  const found = await Promise.all([...owners].map(async ([name, { apiVersion, kind }]) => {
    const resource = await discovery.find(apiVersion, kind, signal);
    return resource?.namespaced === true ? [name] : [];
  }));
  return new Set(found.flat());
}

function nameOf({ resource, meta }: Found): string {
  return `${resource.kind} "${meta.name}"`;
}
