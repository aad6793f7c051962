import { isFailure } from "$lib/error.ts";
import {
  type Applied,
  isServerAway,
  type Kubernetes,
  type KubernetesObject,
  type ObjectMeta,
} from "$lib/kubernetes.ts";
import type { RecordedObject, YieldedField } from "../../plan/record.ts";
import { agrees } from "../records/agreement.ts";
import type { Desired } from "../desired.ts";
import {
  compareObjects,
  type DifferingField,
  FIELDS_FOUND_MAX,
  isMarkedAlike,
  ownFieldsDiffer,
} from "../compare/differences.ts";
import type { Discovery } from "../discovery.ts";
import { contested, type Fights } from "../compare/fights.ts";
import { foldedAway } from "../compare/folding.ts";
import { isAway, type Members } from "../records/members.ts";
import type { Records } from "../records/records.ts";
import { ADOPTED, groupKindText, MANIFEST_CHECKSUM } from "../names.ts";
import { dependents } from "../compare/leftovers.ts";
import { pathsBeyond } from "../compare/field_sets.ts";
import { appliedElsewhere, wasAppliedOnce } from "./applied_once.ts";
import { isLeftOut, withoutPaths } from "../compare/omitted.ts";
import { judgeRefused } from "./refused.ts";
import { foldingOf, type HandOver, handOverOf } from "./hand_over.ts";
import { ownershipOf, type OwnershipParts, whyKept } from "./ownership.ts";
import { type Noted, shortChecksum, type TurnRecord } from "../records/turn_record.ts";

/** An object that has to be written. */
export interface Write {
  readonly desired: Desired;
  /** What is sent: without what is left to others, and marked as adopted where it was there before us. */
  readonly object: KubernetesObject;
  /** The object as it is; undefined when there is none yet. */
  readonly before: KubernetesObject | undefined;
  readonly isAdopted: boolean;
  /**
   * `replace` what can't be changed to what is wanted: it is deleted and made anew. `mark` what stays as it is, and
   * comes from another stack.
   */
  readonly how: "apply" | "replace" | "mark";
  /** Gives the managed fields that the live object must have before the apply, so that this changes what it should. */
  readonly handOver: HandOver | undefined;
  /** Paths that differ, as far as that could be found out without the write. */
  readonly fields: readonly string[];
  /** Whether a dry run told all of `fields`; else the write does. */
  readonly isTried: boolean;
  /** Pointers of fields that are left to others. */
  readonly left: readonly string[];
  readonly yielded: readonly YieldedField[];
  /** Fields that other programs set, and that this write takes back. */
  readonly takenBack: readonly YieldedField[];
}

/** An object that waits for the end of another one. */
export interface Going {
  readonly one: Desired;
  /** It is what it would be in that is being deleted: its Namespace, or the definition of its type. */
  readonly isHolder: boolean;
}

/** What is to be done with one object. */
export type Verdict =
  | { readonly is: "write"; readonly write: Write }
  /** As it should be; `compared` where that took a request, to be remembered. */
  | ({ readonly is: "unchanged"; readonly compared?: ObjectMeta } & Noted)
  /** Its manifest says that it is to be left as it is; `recorded` where another stack of this agent applied it. */
  | { readonly is: "left"; readonly recorded?: RecordedObject }
  | { readonly is: "refused"; readonly why: string; readonly status?: number }
  /** It is being deleted, or the Namespace or the definition that it is to be in: it is applied when that is gone. */
  | ({ readonly is: "going" } & Pick<Going, "isHolder">)
  /** Another stack of this agent has it, or comes first: that stack's name. */
  | { readonly is: "wanted"; readonly by: string };

/** What judging needs. */
export interface JudgeParts extends OwnershipParts {
  /** The stack's own view of the door. */
  readonly kubernetes: Kubernetes;
  readonly record: TurnRecord;
  readonly records: Pick<Records, "known">;
  readonly members: Members;
  readonly fights: Fights;
  readonly formerManagers: readonly string[];
  readonly discovery: Discovery;
  /** Whether an object may be deleted to be made anew, where its manifest allows that. */
  readonly mayReplace: boolean;
  /** False where differences are only told: then nobody fights. */
  readonly mayWrite: boolean;
  /** Compares what seems to be as it was left, too. */
  readonly compareAll: boolean;
}

/**
 * Finds out, without a write, what is to be done with one object.
 *
 * @throws {Failure} `kubernetes_unavailable` when the API server does not answer.
 */
export async function judge(parts: JudgeParts, desired: Desired, signal: AbortSignal): Promise<Verdict> {
  const { record, members, compareAll } = parts;
  const recorded = record.get(desired.key);
  const member = members.byKey.get(desired.key);
  if (wasAppliedOnce(desired, recorded)) return { is: "left" };
  const isSameManifest = recorded?.checksum === shortChecksum(desired.checksum);
  const isUnseen = isSameManifest && recorded.uid !== undefined && members.away.has(groupKindText(desired.groupKind));
  if (member === undefined && isUnseen) return { is: "unchanged" };
  if (member === undefined) return await judgeUnlisted(parts, desired, signal);
  if (member.meta.deletionTimestamp !== undefined) return { is: "going", isHolder: false };
  if (desired.policies.apply === "if-absent") return { is: "left" };
  const seemsSame = isSameManifest && agrees(recorded, member.meta);
  if (seemsSame && !compareAll) return { is: "unchanged" };
  try {
    return await judgeLive(parts, { desired, isAdopted: staysAdopted(desired, recorded, member.meta) }, signal);
  } catch (error) {
    if (seemsSame && isAway(error, desired.groupKind)) return { is: "unchanged" };
    throw error;
  }
}

/**
 * What was there before us, unless its manifest says that it is to be ours; where our mark of that is gone, the record
 * tells.
 */
function staysAdopted(
  { policies }: Desired,
  recorded: RecordedObject | undefined,
  { uid, annotations }: ObjectMeta,
): boolean {
  if (policies.adopt === "own") return false;
  return annotations?.[ADOPTED] !== undefined || (recorded?.adopted === true && recorded.uid === uid);
}

/** There is none, as far as the lists say: most are new, so a dry run is asked first. */
async function judgeUnlisted(parts: JudgeParts, desired: Desired, signal: AbortSignal): Promise<Verdict> {
  const first = parts.claims.comesFirst(desired.key, parts.set.stackId);
  if (first !== undefined) return { is: "wanted", by: first.name };
  const earlier = appliedElsewhere(parts.records, desired);
  if (earlier !== undefined && await parts.kubernetes.get(desired.place, signal) === undefined) {
    return { is: "left", recorded: earlier };
  }
  const tried = desired.isOfNewType ? undefined : await tryNew(parts, desired, signal);
  if (tried?.isCreated === true) return created(desired);
  const live = await parts.kubernetes.get(desired.place, signal);
  if (live === undefined) return created(desired);
  if (live.metadata.deletionTimestamp !== undefined) return { is: "going", isHolder: false };
  const recorded = parts.record.get(desired.key);
  const ownership = await ownershipOf(parts, { desired, live, recorded }, signal);
  if (ownership.is === "foreign") return { is: "refused", why: `it belongs to ${ownership.holder}` };
  if (ownership.is === "wanted") return { is: "wanted", by: ownership.by };
  const kept = ownership.is === "handed over"
    ? await whyKept(parts, { desired, from: ownership.from }, signal)
    : undefined;
  if (kept !== undefined) return { is: "refused", why: kept, status: 403 };
  const isAdopted = ownership.is === "unowned"
    ? desired.policies.adopt !== "own"
    : staysAdopted(desired, recorded, live.metadata); // what was handed over, too
  if (desired.policies.apply === "if-absent") {
    if (ownership.is !== "handed over") return { is: "left" };
    return { is: "write", write: { ...sendable({ desired, isAdopted, live }, []), how: "mark" } };
  }
  return await judgeLive(parts, { desired, isAdopted, live }, signal);
}

/** Undefined where the API server refuses what is there already: then that is to be looked at first. */
async function tryNew(
  { kubernetes }: JudgeParts,
  { place, object, policies }: Desired,
  signal: AbortSignal,
): Promise<Applied | undefined> {
  try {
    return await kubernetes.apply(place, object, { dryRun: true, force: forceOf(policies), signal });
  } catch (error) {
    if (!isFailure(error, "kubernetes_rejected", "kubernetes_unavailable") || error.details?.status === 403) {
      throw error;
    }
    if (isServerAway(error) || await kubernetes.get(place, signal) === undefined) throw error;
    return undefined;
  }
}

function created(desired: Desired): Verdict {
  const nothing = { before: undefined, isAdopted: false, how: "apply", handOver: undefined } as const;
  const noFields = { fields: [], isTried: true, left: [], yielded: [], takenBack: [] };
  return { is: "write", write: { desired, object: desired.object, ...nothing, ...noFields } };
}

interface ToCompare {
  readonly desired: Desired;
  readonly isAdopted: boolean;
  readonly live?: KubernetesObject;
}

/** At so many looks at an object that a controller writes again and again, the last one counts. */
const LOOKS_MAX = 3;

/**
 * Compares the object with what an apply would make of it; both are asked for at once. What a controller wrote in
 * between is no difference: then both are asked for again.
 */
async function judgeLive(parts: JudgeParts, toCompare: ToCompare, signal: AbortSignal, look = 1): Promise<Verdict> {
  const { desired, isAdopted } = toCompare;
  const { place } = desired;
  const unread = sendable({ desired, isAdopted, live: undefined }, yieldedOf(parts, desired));
  const [read, dryRun] = await Promise.allSettled([
    toCompare.live ?? parts.kubernetes.get(place, signal),
    parts.kubernetes.apply(place, unread.object, { dryRun: true, force: forceOf(desired.policies), signal }),
  ]);
  if (read.status === "rejected") throw read.reason;
  const live = read.value;
  if (dryRun.status === "rejected") {
    if (live === undefined) throw dryRun.reason;
    return await judgeRefused(parts, { write: { ...unread, before: live }, live, refusal: dryRun.reason }, signal);
  }
  if (live === undefined) return created(desired);
  const after = dryRun.value.object;
  const verdict = judgeDifferences(parts, { write: { ...unread, before: live }, live, after });
  const isOfOneMoment = live.metadata.resourceVersion === after.metadata.resourceVersion;
  if (verdict.is === "unchanged" || isOfOneMoment || look === LOOKS_MAX) return verdict;
  return await judgeLive(parts, { desired, isAdopted }, signal, look + 1);
}

interface Compared {
  readonly write: Write;
  readonly live: KubernetesObject;
  /** What the apply would make of it. */
  readonly after: KubernetesObject;
}

function judgeDifferences(parts: JudgeParts, { write: first, live, after }: Compared): Verdict {
  const { desired, isAdopted } = first;
  const differing = compareObjects(live, after);
  const fields = differing.fields.filter(({ pointer }) => !isLeftOut(pointer, first.left, desired.object));
  const { lost, takenBack } = fightsOver(parts, { desired, live, fields });
  if (lost.length > 0) {
    const write = sendable({ desired, isAdopted, live }, [...first.yielded, ...lost]);
    return { is: "write", write: { ...write, takenBack, handOver: handOverOf(parts, write, { after }) } };
  }
  const handOver = handOverOf(parts, first, { after });
  const isSame = fields.length === 0 && handOver(live) === undefined && !ownFieldsDiffer(live, after) &&
    (!differing.onlyMarks || isMarkedAlike(live, after) && carriesOldChecksum(desired, live));
  if (isSame) return { is: "unchanged", compared: live.metadata, isAdopted, yielded: first.yielded };
  const paths = new Set([
    ...fields.map(({ path }) => path),
    ...foldedAway(foldingOf(parts, first, { live, after })),
    ...pathsBeyond(dependents(live, { after }), {}),
  ]);
  return { is: "write", write: { ...first, takenBack, handOver, fields: [...paths].slice(0, FIELDS_FOUND_MAX) } };
}

interface Target {
  readonly desired: Desired;
  readonly isAdopted: boolean;
  readonly live: KubernetesObject | undefined;
}

/** What is sent for an object that is there: without the fields that are left to others. */
function sendable({ desired, isAdopted, live }: Target, yielded: readonly YieldedField[]): Write {
  const left = [...desired.policies.ignore ?? [], ...yielded.map(({ path }) => path)];
  const object = withoutPaths(isAdopted ? adopted(desired.object) : desired.object, left);
  return {
    desired,
    object,
    before: live,
    isAdopted,
    how: "apply",
    handOver: undefined,
    fields: [],
    isTried: true,
    left,
    yielded,
    takenBack: [],
  };
}

interface Drifted {
  readonly desired: Desired;
  readonly live: KubernetesObject;
  readonly fields: readonly DifferingField[];
}

/** Of the fields that other programs set, those that were taken back too often are lost; the others are taken back. */
function fightsOver(
  { fights, record, formerManagers, mayWrite }: JudgeParts,
  { desired: { key, checksum, policies: { force } }, live, fields }: Drifted,
): { readonly lost: readonly YieldedField[]; readonly takenBack: readonly YieldedField[] } {
  if (!mayWrite || record.get(key)?.checksum !== shortChecksum(checksum)) return { lost: [], takenBack: [] };
  const all = contested(live, fields, { formerManagers, force });
  const isLost = (field: YieldedField) => fights.isLost(key, field, checksum);
  return { lost: all.filter(isLost), takenBack: all.filter((field) => !isLost(field)) };
}

function forceOf({ force }: Desired["policies"]): boolean {
  return force !== "disabled";
}

/** A checksum of 0.10.0 over a manifest that means the same is as good as ours, until there is something to write. */
function carriesOldChecksum({ legacyChecksum }: Desired, { metadata }: KubernetesObject): boolean {
  return legacyChecksum !== undefined && metadata.annotations?.[MANIFEST_CHECKSUM] === legacyChecksum;
}

function yieldedOf({ record }: JudgeParts, { key, checksum, policies }: Desired): readonly YieldedField[] {
  const recorded = record.get(key);
  const isSame = recorded?.checksum === shortChecksum(checksum) && policies.force !== "always";
  return isSame ? recorded.yielded ?? [] : [];
}

/** The object with the mark that keeps it from being deleted. */
export function adopted(object: KubernetesObject): KubernetesObject {
  const annotations = { ...object.metadata.annotations, [ADOPTED]: "true" };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
