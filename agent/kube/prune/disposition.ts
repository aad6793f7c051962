import { Failure } from "$lib/error.ts";
import { isRefused, type Kubernetes, type ObjectMeta, type ObjectPlace } from "$lib/kubernetes.ts";
import type { Claims } from "../../plan/claims.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { ADOPTED, groupKindText, objectKey, OWNER_ID, PART_OF, PRUNE, type SetIdentity, STACK } from "../names.ts";
import { type Discovery, forgetUnserved } from "../discovery.ts";
import type { Member, Members } from "../records/members.ts";
import type { OwnPod } from "../reading/own_pod.ts";
import type { Records } from "../records/records.ts";
import type { PruneItem } from "./prune.ts";

/** A recorded object that its stack has no use for any more, and what is to become of it. */
export type Disposition =
  /** There is no such object, or another one of its name: it leaves the record. */
  | { readonly is: "gone" }
  /** Another server had it, whose API is not registered any more: it may be there still, and nobody sees it. */
  | { readonly is: "unseen" }
  /** Another stack of this agent has it by now: it leaves the record. */
  | { readonly is: "handed over" }
  /** Another stack wants it, or is not known not to: it stays until that has taken it. */
  | { readonly is: "awaited"; readonly by: string | undefined; readonly member: Member }
  /**
   * It is gone, and was to be applied once: that is known here alone until the stack that wants it has it in its
   * record.
   */
  | { readonly is: "remembered"; readonly by: string | undefined }
  /** It stays in the cluster, without our marks: somebody said so, or it has another owner. */
  | { readonly is: "kept"; readonly member: Member; readonly why: string }
  /** It was there before us: it goes back to whoever had it. */
  | { readonly is: "released"; readonly member: Member }
  | { readonly is: "unwanted"; readonly member: Member };

/** What finding that out needs. */
export interface DispositionParts {
  readonly kubernetes: Kubernetes;
  readonly discovery: Discovery;
  readonly set: SetIdentity;
  readonly claims: Claims;
  readonly records: Records;
  readonly members: Members;
  /** Where root and parents live. */
  readonly inventoryNamespace: string;
  readonly ownPod: OwnPod;
  /** Objects that this very turn applied, or found unchanged: none of them is deleted under another group's name. */
  readonly wantedUids: ReadonlySet<string>;
}

/**
 * What is to become of a recorded object: decided by the record and the uid.
 *
 * @throws {Failure} when it can't be seen: what can't be seen is not gone.
 */
export async function dispositionOf(
  parts: DispositionParts,
  [key, recorded]: readonly [string, RecordedObject],
  signal: AbortSignal,
): Promise<Disposition> {
  const { set, claims, wantedUids } = parts;
  const member = await findLive(parts, [key, recorded], signal);
  if (member === "unseen") return { is: "unseen" };
  if (member === undefined) return remembered(parts, [key, recorded]) ?? { is: "gone" };
  const { meta } = member;
  if (meta.uid !== undefined && wantedUids.has(meta.uid)) return { is: "gone" };
  if (isOfOtherStack(meta, set)) return { is: "handed over" };
  const claim = claims.wantedBy(key, set.stackId);
  if (claim !== "nobody") return { is: "awaited", by: claim === "unknown" ? undefined : claim.name, member };
  if (recorded.policies?.prune === "disabled" || meta.annotations?.[PRUNE] === "disabled") {
    return { is: "kept", member, why: "brokkr.io/prune is disabled" };
  }
  const controller = meta.ownerReferences?.find((owner) => owner.controller === true);
  if (controller !== undefined) {
    return { is: "kept", member, why: `${controller.kind} "${controller.name}" controls it` };
  }
  if (wasAdopted(recorded, meta)) return { is: "released", member };
  const why = whyNeverDeleted(member, parts);
  return why === undefined ? { is: "unwanted", member } : { is: "kept", member, why };
}

/** Namespaces that an API server does not let go, or makes again. */
const OF_KUBERNETES = ["default", "kube-node-lease", "kube-public", "kube-system"];

/**
 * Of what nobody may delete, whatever manifests or people say: with its own Namespace the agent would lose all its
 * records.
 */
function whyNeverDeleted(
  { groupKind, place: { name } }: Member,
  { inventoryNamespace, ownPod }: DispositionParts,
): string | undefined {
  if (groupKindText(groupKind) !== "Namespace") return undefined;
  if (name === inventoryNamespace || name === ownPod.namespace) return "the agent itself lives in it";
  return OF_KUBERNETES.includes(name) ? "Kubernetes needs it" : undefined;
}

/** Undefined for what nobody else is to know of. */
function remembered(
  { claims, records, set }: DispositionParts,
  [key, { policies, uid }]: readonly [string, RecordedObject],
): Disposition | undefined {
  const claim = claims.wantedBy(key, set.stackId);
  if (policies?.apply !== "once" || uid === undefined || claim === "nobody") return undefined;
  if (claim === "unknown") return { is: "remembered", by: undefined };
  const theirs = records.knownOf(claim.id)?.objects.find((one) => objectKey(one, one) === key);
  return theirs?.uid === undefined ? { is: "remembered", by: claim.name } : undefined;
}

/** How an object leaves that has no reason to stay where it is. */
export function pruneItemsOf(one: Disposition): readonly PruneItem[] {
  if (one.is === "kept") return [{ member: one.member, how: one.is, why: one.why }];
  return one.is === "released" || one.is === "unwanted" ? [{ member: one.member, how: one.is }] : [];
}

/** Of what was written by a process that did not live to record it, only the object itself tells. */
function wasAdopted({ adopted, uid }: RecordedObject, { annotations }: ObjectMeta): boolean {
  return adopted === true || (uid === undefined && annotations?.[ADOPTED] !== undefined);
}

async function findLive(
  { kubernetes, discovery, members, set }: DispositionParts,
  [key, recorded]: readonly [string, RecordedObject],
  signal: AbortSignal,
): Promise<Member | "unseen" | undefined> {
  const isSame = ({ uid, annotations }: ObjectMeta) =>
    recorded.uid === undefined ? isMarked(annotations, set) : uid === recorded.uid;
  const listed = members.byKey.get(key);
  if (listed !== undefined && isSame(listed.meta) && await isServed(listed, discovery, signal)) return listed;
  const live = await findRecorded({ kubernetes, discovery }, recorded, signal);
  return typeof live !== "object" || isSame(live.meta) ? live : undefined;
}

type ObjectName = Pick<RecordedObject, "group" | "kind" | "namespace" | "name" | "otherServer">;

/**
 * What there is now under the name of a recorded object. A path that is not there says nothing of the object: its type
 * is looked for again.
 *
 * @returns `unseen` of an object that another server has, whose API is not registered any more.
 * @throws {Failure} when it can't be seen.
 */
export async function findRecorded(
  { kubernetes, discovery }: Pick<DispositionParts, "kubernetes" | "discovery">,
  recorded: ObjectName,
  signal: AbortSignal,
): Promise<Member | "unseen" | undefined> {
  const groupKind = { group: recorded.group, kind: recorded.kind };
  for (let tries = 1;; tries += 1) {
    const place = await placeOf(discovery, recorded, signal);
    if (typeof place !== "object") return place;
    try {
      const live = await kubernetes.get(place, signal);
      return live && { key: objectKey(groupKind, place), groupKind, place, meta: live.metadata };
    } catch (error) {
      forgetUnserved(discovery, place, error);
      if (!isRefused(error, 404) || tries > 1) throw error;
    }
  }
}

/** Undefined where there can be no such object: its type is gone, or was made anew with another scope. */
async function placeOf(
  discovery: Discovery,
  { group, kind, namespace, name, otherServer }: ObjectName,
  signal: AbortSignal,
): Promise<ObjectPlace | "unseen" | undefined> {
  const groupKind = { group, kind };
  const resource = await discovery.findAnyVersion(groupKind, signal);
  if (resource === undefined) {
    if (await discovery.isGone(groupKind, signal)) return otherServer === true ? "unseen" : undefined;
    throw new Failure(
      "kubernetes_unavailable",
      `Cannot look for ${groupKindText(groupKind)}: no version of it is served`,
    );
  }
  if (resource.namespaced !== (namespace !== undefined)) return undefined;
  return { resource, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** The bundle may have changed the type since it was listed: then discovery was forgotten, and is asked again. */
async function isServed({ place: { resource } }: Member, discovery: Discovery, signal: AbortSignal): Promise<boolean> {
  return await discovery.find(resource.apiVersion, resource.kind, signal) !== undefined;
}

function isMarked(annotations: ObjectMeta["annotations"], { agentId, stackId }: SetIdentity): boolean {
  return annotations?.[OWNER_ID] === agentId && annotations[STACK] === stackId;
}

function isOfOtherStack({ labels, annotations }: ObjectMeta, { id, agentId, stackId }: SetIdentity): boolean {
  const partOf = labels?.[PART_OF];
  return partOf !== undefined && partOf !== id && annotations?.[OWNER_ID] === agentId &&
    annotations[STACK] !== stackId;
}
