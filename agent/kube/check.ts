import { type Failure, isFailure } from "$lib/error.ts";
import type { Kubernetes, KubernetesObject, ObjectMeta } from "$lib/kubernetes.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { type Desired, errorText, objectName } from "./desired.ts";
import type { Limiter } from "./limiter.ts";
import type { Member, Members } from "./members.ts";
import { type AppliedMemory, carriesChecksum, hasSameFields, isAsLeft } from "./memory.ts";
import { ADOPTED, groupKindText, OWNER_ID, PART_OF, type SetIdentity, STACK } from "./names.ts";
import { decidesAdmission, holdsObjects } from "./order.ts";
import type { OtherSets } from "./other_sets.ts";

/** An object that has to be written. */
export interface Write {
  readonly desired: Desired;
  /** What is sent: marked as adopted where it was there before us. */
  readonly object: KubernetesObject;
  /** The object as it is; undefined when there is none yet. */
  readonly before: ObjectMeta | undefined;
}

/** What an apply of a bundle would come to. */
export interface Check {
  readonly writes: readonly Write[];
  readonly unchanged: readonly Desired[];
  /** With one of them, nothing of the bundle is applied. */
  readonly refusals: readonly ObjectResult[];
}

/** What checking needs. */
export interface CheckParts {
  readonly kubernetes: Kubernetes;
  readonly limiter: Limiter;
  readonly memory: AppliedMemory;
  readonly otherSets: OtherSets;
  readonly set: SetIdentity;
}

interface Refused {
  readonly refusal: string;
  readonly status?: number;
}

type Verdict = Write | "unchanged" | Refused;

interface Judging extends CheckParts {
  readonly members: Members;
}

/**
 * Finds out, without a write, which objects differ from what is desired and whether the API server would take them. What
 * needs a namespace or a type that this bundle brings cannot be asked about, and is taken to be new. What is of a type
 * that this bundle changes is only looked at: the API server would judge it by what the type is now.
 *
 * @throws {Failure} `kubernetes_unavailable` when the API server does not answer.
 */
export async function checkDesired(
  parts: CheckParts,
  { desired, members }: { readonly desired: readonly Desired[]; readonly members: Members },
  signal: AbortSignal,
): Promise<Check> {
  const judging = { ...parts, members };
  const holders = desired.filter(({ groupKind }) => holdsObjects(groupKind));
  const others = desired.filter(({ groupKind }) => !holdsObjects(groupKind));
  const first = await judgeAll(holders, (one, either) => ask(judging, one, either), signal);
  const written = first.flatMap(({ verdict }) => isWrite(verdict) ? [verdict] : []);
  const newNamespaces = new Set(written.filter(isNewNamespace).map(({ desired: { place } }) => place.name));
  const changedTypes = new Set(written.flatMap(typeDefinedBy));
  const isUnaskable = ({ isOfNewType, place: { namespace } }: Desired) =>
    isOfNewType || (namespace !== undefined && newNamespaces.has(namespace));
  const judge = ({ groupKind }: Desired) => changedTypes.has(groupKindText(groupKind)) ? look : ask;
  const asked = await judgeAll(
    others.filter((one) => !isUnaskable(one)),
    (one, either) => judge(one)(judging, one, either),
    signal,
  );
  const unasked = others.filter(isUnaskable).map((one) => ({
    one,
    verdict: writeOf(one, members.byKey.get(one.key)?.meta),
  }));
  return collect([...first, ...await admitted(judging, asked, signal), ...unasked]);
}

interface Judged {
  readonly one: Desired;
  readonly verdict: Verdict;
}

function isWrite(verdict: Verdict): verdict is Write {
  return typeof verdict === "object" && "desired" in verdict;
}

function isNewNamespace({ before, desired: { groupKind } }: Write): boolean {
  return before === undefined && groupKind.kind === "Namespace";
}

/** The type that the object defines, where it is a CustomResourceDefinition: its group and kind in words. */
export function typeDefinedBy({ desired: { groupKind, object } }: Write): readonly string[] {
  const { group, names } = object.spec as { group?: string; names?: { kind?: string } } ?? {};
  const isDefinition = groupKind.kind === "CustomResourceDefinition";
  return isDefinition ? [groupKindText({ group: group ?? "", kind: names?.kind ?? "" })] : [];
}

/**
 * A Pod is refused while what it names is not there, its service account or its priority. Where the bundle writes such a
 * thing first, that refusal counts for nothing.
 */
async function admitted(judging: Judging, asked: readonly Judged[], signal: AbortSignal): Promise<readonly Judged[]> {
  if (!asked.some(({ verdict }) => isWrite(verdict) && decidesAdmission(verdict.desired.groupKind))) return asked;
  const early = asked.filter(isForbiddenPod).map(({ one }) => one);
  const looked = await judgeAll(early, (one, either) => look(judging, one, either), signal);
  return [...asked.filter((judged) => !isForbiddenPod(judged)), ...looked];
}

function isForbiddenPod({ one: { groupKind }, verdict }: Judged): boolean {
  return groupKindText(groupKind) === "Pod" && typeof verdict === "object" && "refusal" in verdict &&
    verdict.status === 403;
}

function collect(judged: readonly Judged[]): Check {
  const writes: Write[] = [];
  const unchanged: Desired[] = [];
  const refusals: ObjectResult[] = [];
  for (const { one, verdict } of judged) {
    if (verdict === "unchanged") unchanged.push(one);
    else if ("refusal" in verdict) {
      refusals.push({ ...objectName(one.place), action: "failed", error: `${one.source}: ${verdict.refusal}` });
    } else writes.push(verdict);
  }
  return { writes, unchanged, refusals };
}

type Judge = (one: Desired, signal: AbortSignal) => Promise<Verdict>;

/** All at once; when one finds the API server away, the others that have not begun do not. */
async function judgeAll(desired: readonly Desired[], judge: Judge, signal: AbortSignal): Promise<readonly Judged[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  return await Promise.all(desired.map(async (one) => {
    try {
      return { one, verdict: await judge(one, either) };
    } catch (error) {
      if (isAnswer(error)) {
        return { one, verdict: { refusal: errorText(error), status: Number(error.details?.status) } };
      }
      stop.abort(error);
      throw error;
    }
  }));
}

/** Whether the API server said no to this one object. */
function isAnswer(error: unknown): error is Failure {
  return isFailure(error, "kubernetes_rejected", "kubernetes_unavailable") && !isServerAway(error);
}

/** Whether the API server says nothing, or that it has no time (429, 503): then it need not be asked about others. */
export function isServerAway(error: unknown): boolean {
  return isFailure(error, "kubernetes_unavailable") &&
    [undefined, 429, 503].some((status) => error.details?.status === status);
}

/** By a dry run, unless it is as we left it. */
async function ask(judging: Judging, one: Desired, signal: AbortSignal): Promise<Verdict> {
  const { kubernetes, limiter, memory, members, set } = judging;
  const member = members.byKey.get(one.key);
  const known = foregone(judging, one, member);
  if (known !== undefined) return known;
  const write = writeOf(one, member?.meta);
  const { object, isCreated } = await limiter.run(
    () => kubernetes.apply(one.place, write.object, { dryRun: true, signal }),
    signal,
  );
  if (member === undefined) return isCreated ? write : await judgeStranger(judging, one, signal);
  if (!carriesChecksum(one, member.meta) || !hasSameFields(member.meta, object.metadata)) return write;
  memory.set(set.stackId, one.key, object.metadata);
  return "unchanged";
}

/** Without asking whether the API server would take it. */
async function look(judging: Judging, one: Desired, signal: AbortSignal): Promise<Verdict> {
  const member = judging.members.byKey.get(one.key);
  const known = foregone(judging, one, member);
  if (known !== undefined) return known;
  return member === undefined ? await judgeStranger(judging, one, signal) : writeOf(one, member.meta);
}

function foregone({ memory, set }: Judging, one: Desired, member: Member | undefined): Verdict | undefined {
  if (member === undefined) return undefined;
  if (member.meta.deletionTimestamp !== undefined) return { refusal: BEING_DELETED };
  return isAsLeft(one, member.meta, memory.get(set.stackId, one.key)) ? "unchanged" : undefined;
}

const BEING_DELETED = "it is being deleted; it is applied anew when it is gone";

/** An object that is there and was not listed as ours: somebody else's, nobody's, or ours without its label. */
async function judgeStranger(
  { kubernetes, otherSets, set }: CheckParts,
  one: Desired,
  signal: AbortSignal,
): Promise<Verdict> {
  const live = await kubernetes.get(one.place, signal);
  if (live === undefined) return writeOf(one, undefined);
  const { labels, annotations, deletionTimestamp } = live.metadata;
  if (deletionTimestamp !== undefined) return { refusal: BEING_DELETED };
  const partOf = labels?.[PART_OF];
  const isOurs = partOf === set.id || (annotations?.[OWNER_ID] === set.agentId && annotations[STACK] === set.stackId);
  if (isOurs && (partOf === undefined || partOf === set.id)) return writeOf(one, live.metadata);
  if (partOf === undefined) return writeOf(one, live.metadata, "adopted");
  const holder = await otherSets.holderOf(live.metadata, signal);
  return holder === undefined ? writeOf(one, live.metadata) : { refusal: `it belongs to ${holder}` };
}

function writeOf(desired: Desired, before: ObjectMeta | undefined, mark?: "adopted"): Write {
  const isAdopted = mark === "adopted" || before?.annotations?.[ADOPTED] !== undefined;
  return { desired, before, object: isAdopted ? adopted(desired.object) : desired.object };
}

/** The object with the mark that keeps it from being deleted. */
export function adopted(object: KubernetesObject): KubernetesObject {
  const annotations = { ...object.metadata.annotations, [ADOPTED]: "true" };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
