import { type Failure, isFailure } from "$lib/error.ts";
import type { Kubernetes, KubernetesObject, ObjectMeta } from "$lib/kubernetes.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { type Desired, errorText, objectName } from "./desired.ts";
import type { Limiter } from "./limiter.ts";
import type { Member, Members } from "./members.ts";
import { type AppliedMemory, carriesChecksum, hasSameFields, isAsLeft } from "./memory.ts";
import { ADOPTED, OWNER_ID, PART_OF, type SetIdentity, STACK } from "./names.ts";
import { isContainer } from "./order.ts";
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

type Verdict = Write | "unchanged" | { readonly refusal: string };

/**
 * Finds out, without a write, which objects differ from what is desired and whether the API server would take them. What
 * needs a namespace or a type that this bundle brings cannot be asked about, and is taken to be new.
 *
 * @throws {Failure} `kubernetes_unavailable` when the API server does not answer.
 */
export async function checkDesired(
  parts: CheckParts,
  { desired, members }: { readonly desired: readonly Desired[]; readonly members: Members },
  signal: AbortSignal,
): Promise<Check> {
  const containers = desired.filter(({ groupKind }) => isContainer(groupKind));
  const others = desired.filter(({ groupKind }) => !isContainer(groupKind));
  const first = await judgeAll(parts, { desired: containers, members }, signal);
  const newNamespaces = new Set(first.flatMap(({ one, verdict }) => isNew(verdict) ? [one.place.name] : []));
  const isUnaskable = ({ isOfNewType, place: { namespace } }: Desired) =>
    isOfNewType || (namespace !== undefined && newNamespaces.has(namespace));
  const asked = await judgeAll(parts, { desired: others.filter((one) => !isUnaskable(one)), members }, signal);
  const unasked = others.filter(isUnaskable).map((one) => ({
    one,
    verdict: writeOf(one, members.byKey.get(one.key)?.meta),
  }));
  return collect([...first, ...asked, ...unasked]);
}

interface Judged {
  readonly one: Desired;
  readonly verdict: Verdict;
}

function isNew(verdict: Verdict): boolean {
  return typeof verdict === "object" && "desired" in verdict && verdict.before === undefined &&
    verdict.desired.groupKind.kind === "Namespace";
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

/** All at once; when one finds the API server gone, the others that have not begun do not. */
async function judgeAll(
  parts: CheckParts,
  { desired, members }: { readonly desired: readonly Desired[]; readonly members: Members },
  signal: AbortSignal,
): Promise<readonly Judged[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  return await Promise.all(desired.map(async (one) => {
    const member = members.byKey.get(one.key);
    try {
      return { one, verdict: await judge(parts, { one, member }, either) };
    } catch (error) {
      if (isAnswer(error)) return { one, verdict: { refusal: errorText(error) } };
      stop.abort(error);
      throw error;
    }
  }));
}

/** Whether the API server said no, rather than nothing. */
function isAnswer(error: unknown): error is Failure {
  return isFailure(error, "kubernetes_rejected", "kubernetes_unavailable") && error.details?.status !== undefined;
}

async function judge(
  parts: CheckParts,
  { one, member }: { readonly one: Desired; readonly member: Member | undefined },
  signal: AbortSignal,
): Promise<Verdict> {
  const { kubernetes, limiter, memory, set } = parts;
  if (member?.meta.deletionTimestamp !== undefined) return { refusal: BEING_DELETED };
  if (member !== undefined && isAsLeft(one, member.meta, memory.get(set.stackId, one.key))) return "unchanged";
  const write = writeOf(one, member?.meta);
  const { object, isCreated } = await limiter.run(
    () => kubernetes.apply(one.place, write.object, { dryRun: true, signal }),
    signal,
  );
  if (member === undefined) return isCreated ? write : await judgeStranger(parts, one, signal);
  if (!carriesChecksum(one, member.meta) || !hasSameFields(member.meta, object.metadata)) return write;
  memory.set(set.stackId, one.key, object.metadata);
  return "unchanged";
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
