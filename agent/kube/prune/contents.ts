import type { Clock } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { type ApiResource, isRefused, type Kubernetes, type ObjectMeta } from "$lib/kubernetes.ts";
import type { Claim, Claims } from "../../plan/claims.ts";
import type { Discovery } from "../discovery.ts";
import { stackText } from "../outcome.ts";
import type { Member } from "../records/members.ts";
import { groupKindOf, groupKindText, objectKey, otherKeeper, OWNER_ID, PART_OF, type SetIdentity } from "../names.ts";
import { type DefinitionStatus, isEstablished } from "../apply/settling.ts";

/** What looking into namespaces and custom types needs. */
export interface ContentsParts {
  readonly kubernetes: Pick<Kubernetes, "get" | "listMetadata">;
  readonly clock: Clock;
  readonly discovery: Pick<Discovery, "listAll" | "find" | "findAnyVersion">;
  /** The set whose members are not in the way once they are being deleted. */
  readonly set: SetIdentity;
  /** What a stack wants does not go, whatever a person approves. */
  readonly claims: Pick<Claims, "wantedBy">;
  /** Names of objects that others put into every namespace. */
  readonly ignoreInNamespaces: readonly string[];
  readonly approval: Approval | undefined;
}

/** A person's word that what was in the way at a revision may go. */
export interface Approval {
  readonly uids: ReadonlySet<string>;
}

/** What is to stay and would go with a Namespace or a CustomResourceDefinition. */
export interface NamespaceContents {
  /** In words: how many of which kind, and the first names. */
  readonly text: string;
  /** Of what goes once that is approved; what stacks want, and other agents' records, are not among it. */
  readonly uids: readonly string[];
  /** Whether something of it does not go by any approval: `text` says why. */
  readonly isKept: boolean;
}

interface Found {
  readonly resource: ApiResource;
  readonly meta: ObjectMeta;
}

interface Staying extends Found {
  /** Why it does not go by an approval; undefined where it does. */
  readonly why: string | undefined;
}

const NAMED_MAX = 20;
/** Discovery goes on naming a type for a moment when its definition is gone. */
const LAG_INTERVAL_MS = 500;
const LAG_LOOKS_MAX = 20;

/**
 * What would go with this Namespace or CustomResourceDefinition and is to stay; undefined when nothing is. That is
 * anything of others, and members of the set that are wanted still, or that a person keeps.
 *
 * @throws {Failure} when a list fails: what cannot be seen is not deleted.
 */
export async function inTheWayInside(
  parts: ContentsParts,
  holder: Member,
  signal: AbortSignal,
): Promise<NamespaceContents | undefined> {
  const { groupKind, place } = holder;
  const found = await lookInside(parts, holder, signal);
  const name = `${groupKind.kind} "${place.name}"`;
  if (found === undefined) {
    return { text: `${name} serves no version, so nobody can see what it holds`, uids: [], isKept: false };
  }
  const staying = found.filter(({ meta }) => !isLeaving(meta, parts))
    .map((one): Staying => ({ ...one, why: whyKept(one, parts) }))
    .filter(({ meta, why }) => why !== undefined || !isApproved(meta, parts));
  if (staying.length === 0) return undefined;
  const reasons = new Set(staying.flatMap(({ why }) => why ?? []));
  return {
    text: [`${name} holds ${inWords(staying)}`, ...reasonsInWords(reasons)].join("; "),
    uids: staying.flatMap(({ why, meta }) => why === undefined ? meta.uid ?? [] : []),
    isKept: reasons.size > 0,
  };
}

/**
 * What a stack wants, and that by which alone another agent knows what it applied, does not go by a person's approval.
 */
function whyKept({ resource, meta }: Found, { claims, set }: ContentsParts): string | undefined {
  const groupKind = groupKindOf(resource);
  const keeper = otherKeeper(groupKind, meta, set.agentId);
  if (keeper !== undefined) return `agent "${keeper}" keeps its records there, which no approval removes`;
  const claim = claims.wantedBy(objectKey(groupKind, meta), set.stackId);
  return claim === "nobody" ? undefined : `${claimant(claim)} wants ${resource.kind} "${meta.name}"`;
}

/** By the time that this is asked what other stacks want is known: what is not is what this stack wants itself. */
function claimant(claim: Exclude<Claim, "nobody">): string {
  return claim === "unknown" ? "this stack" : stackText(claim.name);
}

function reasonsInWords(reasons: ReadonlySet<string>): readonly string[] {
  return reasons.size === 0 ? [] : [[...reasons].slice(0, NAMED_MAX).join(", ")];
}

/** The message of a list that fails says which one it was. */
async function lookInside(
  parts: ContentsParts,
  holder: Member,
  signal: AbortSignal,
): Promise<readonly Found[] | undefined> {
  const isNamespace = holder.groupKind.kind === "Namespace";
  try {
    return isNamespace ? await inNamespaceNow(parts, holder.place.name, signal) : await ofType(parts, holder, signal);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const message = `Cannot see what it holds: ${messageOf(error)}`;
    throw new Failure(error.code, message, { cause: error, details: { ...error.details, message } });
  }
}

function isLeaving({ labels, deletionTimestamp }: ObjectMeta, { set }: ContentsParts): boolean {
  return labels?.[PART_OF] === set.id && deletionTimestamp !== undefined;
}

function isApproved({ uid }: ObjectMeta, { approval }: ContentsParts): boolean {
  return uid !== undefined && approval?.uids.has(uid) === true;
}

/** Such as `2 ConfigMap, 1 Secret: ConfigMap "a", ConfigMap "b", Secret "c"`. */
function inWords(staying: readonly Found[]): string {
  const byKind = Map.groupBy(staying, ({ resource }) => resource.kind);
  const counts = [...byKind].map(([kind, of]) => `${of.length} ${kind}`).join(", ");
  const named = staying.slice(0, NAMED_MAX).map(({ resource, meta }) => `${resource.kind} "${meta.name}"`).join(", ");
  return staying.length === 1 ? named : `${counts}: ${named}${staying.length > NAMED_MAX ? ", …" : ""}`;
}

/** As often as something is named that is not served: only a look that shows all that is named says what is there. */
async function inNamespaceNow(parts: ContentsParts, namespace: string, signal: AbortSignal): Promise<readonly Found[]> {
  for (let look = 1;; look += 1) {
    try {
      return await inNamespace(parts, namespace, signal);
    } catch (error) {
      if (!isRefused(error, 404) || look === LAG_LOOKS_MAX) throw error;
      await parts.clock.sleep(LAG_INTERVAL_MS, signal);
    }
  }
}

async function inNamespace(parts: ContentsParts, namespace: string, signal: AbortSignal): Promise<readonly Found[]> {
  const { kubernetes, discovery } = parts;
  const resources = (await discovery.listAll(signal)).filter(({ namespaced }) => namespaced);
  const lists = await Promise.all(resources.map(async (resource) => {
    const { items } = await kubernetes.listMetadata(resource, { namespace, signal });
    return items.map(({ metadata }): Found => ({ resource, meta: metadata }));
  }));
  const all = lists.flat();
  const namespaced = await namespacedOwners(parts, all, signal);
  const services = new Set(all.flatMap(({ resource, meta }) => resource.kind === "Service" ? [meta.name] : []));
  return all.filter((found) =>
    !isOfKubernetes(found, services) && !isOwnedWithin(found, namespaced) &&
    !parts.ignoreInNamespaces.includes(found.meta.name)
  );
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
  const { items } = await kubernetes.listMetadata(resource, { signal });
  return items.map(({ metadata }): Found => ({ resource, meta: metadata }));
}

interface CustomType {
  readonly spec: { readonly group: string; readonly names: { readonly kind: string } };
  readonly status: DefinitionStatus;
}

/** What says only what happened, or who led: whoever is still there makes it again. */
const PASSING = ["Event", "Event.events.k8s.io", "Lease.coordination.k8s.io"];

/** What Kubernetes puts into every namespace by itself, or beside an object that is judged for itself. */
function isOfKubernetes({ resource, meta }: Found, services: ReadonlySet<string>): boolean {
  const { group, kind } = groupKindOf(resource);
  if (PASSING.includes(groupKindText({ group, kind }))) return true;
  if (group === "" && kind === "ConfigMap") return meta.name === "kube-root-ca.crt";
  if (group === "" && kind === "ServiceAccount") return meta.name === "default";
  if (group !== "" || kind !== "Endpoints") return false;
  return meta.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller" || isLabelledLikeService(meta) ||
    services.has(meta.name);
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
