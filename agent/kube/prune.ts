import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { isRefused, type Kubernetes, type ObjectMeta } from "$lib/kubernetes.ts";
import type { ObjectAction, ObjectResult } from "$lib/wire/event.ts";
import { inTheWayInside } from "./contents.ts";
import { errorText, objectName } from "./desired.ts";
import type { Discovery } from "./discovery.ts";
import { waitUntilGone } from "./gone.ts";
import { allEnded, type Limiter } from "./limiter.ts";
import type { Member } from "./members.ts";
import { ourFields } from "./memory.ts";
import { ADOPTED, MANIFEST_CHECKSUM, OWNER_ID, PART_OF, PRUNE, type SetIdentity, STACK } from "./names.ts";
import { holdsObjects, waves } from "./order.ts";

/** What pruning needs. */
export interface PruneParts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly discovery: Discovery;
  readonly limiter: Limiter;
  readonly set: SetIdentity;
  /** Hears what was done to each object, when it is done: a turn that is given up has no end to count at. */
  readonly acted: (action: ObjectAction) => void;
}

/** What came of members that are not wanted any more. */
export interface Pruned {
  /** Deleted, released (`configured`) or failed ones. */
  readonly results: readonly ObjectResult[];
  /** Members that stay, because they are not ours to delete or a person said so. */
  readonly kept: readonly Member[];
  /** Deleted, now or earlier, but not gone yet: a finalizer or a namespace's content holds them. */
  readonly going: readonly Member[];
  /** What could not be deleted because of what others have in it, in words; those members stay, too. */
  readonly inTheWay: readonly string[];
  readonly blocked: readonly Member[];
  /** Members whose turn did not come, because something before them failed or is not gone yet. */
  readonly untried: readonly Member[];
}

type Fate =
  | { readonly fate: "kept" | "gone" | "going" | "leaving" | "released" }
  | { readonly fate: "blocked"; readonly inTheWay: string }
  | { readonly fate: "failed"; readonly error: string };

/**
 * Takes members out of the cluster, in the reverse of the order of applying: each wave when the one before is gone, for a
 * finalizer's controller may be in the next. Only what this agent itself applied goes. When `signal` aborts, the writes in
 * flight are waited for, and none is tried again.
 */
export async function prune(parts: PruneParts, unwanted: readonly Member[], signal: AbortSignal): Promise<Pruned> {
  const ends: Ended[] = [];
  let going: readonly Member[] = [];
  for (const wave of waves(unwanted, ({ groupKind }) => groupKind).toReversed()) {
    going = await waitUntilGone(parts, going, signal);
    if (going.length > 0) break;
    const ended = await allEnded(wave.map(async (member) => {
      const end = await parts.limiter.run(() => pruneOne(parts, member, signal), signal);
      const results = resultsOf(member, end);
      results.forEach(({ action }) => parts.acted(action));
      return { member, end, results };
    }));
    ends.push(...ended);
    going = membersOf(ended, "going", "leaving");
    if (membersOf(ended, "failed").length > 0) break;
  }
  const tried = new Set(ends.map(({ member }) => member));
  return {
    going,
    results: ends.flatMap(({ results }) => results),
    kept: membersOf(ends, "kept"),
    blocked: membersOf(ends, "blocked"),
    inTheWay: ends.flatMap(({ end }) => end.fate === "blocked" ? [end.inTheWay] : []),
    untried: unwanted.filter((member) => !tried.has(member)),
  };
}

function membersOf(ends: readonly Ended[], ...fates: readonly Fate["fate"][]): readonly Member[] {
  return ends.filter(({ end }) => fates.includes(end.fate)).map(({ member }) => member);
}

interface Ended {
  readonly member: Member;
  readonly end: Fate;
  readonly results: readonly ObjectResult[];
}

async function pruneOne(parts: PruneParts, member: Member, signal: AbortSignal): Promise<Fate> {
  try {
    return await decide(parts, member, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
    if (isRefused(error, 409) && await isOtherByNow(parts, member, signal)) return { fate: "gone" };
    return { fate: "failed", error: errorText(error) };
  }
}

async function decide(parts: PruneParts, member: Member, signal: AbortSignal): Promise<Fate> {
  const { kubernetes, set } = parts;
  const { place, meta } = member;
  if (meta.uid === undefined || !isOurs(meta, set) || meta.annotations?.[PRUNE] === "disabled") return { fate: "kept" };
  if (meta.annotations?.[ADOPTED] !== undefined) return await release(parts, member, signal);
  if (meta.deletionTimestamp !== undefined) return { fate: "leaving" };
  if (holdsObjects(member.groupKind)) {
    const inTheWay = await inTheWayInside({ ...parts, setId: set.id }, member, signal);
    if (inTheWay !== undefined) return { fate: "blocked", inTheWay };
  }
  return { fate: await kubernetes.delete(place, { uid: meta.uid }, signal) };
}

/** Applied by this agent, and owned by nothing else in the cluster. */
function isOurs(meta: ObjectMeta, { agentId }: SetIdentity): boolean {
  return meta.annotations?.[OWNER_ID] === agentId && ourFields(meta) !== undefined &&
    (meta.ownerReferences ?? []).length === 0;
}

async function release({ kubernetes }: PruneParts, { place, meta }: Member, signal: AbortSignal): Promise<Fate> {
  const released = {
    uid: meta.uid,
    labels: { [PART_OF]: null },
    annotations: { [STACK]: null, [OWNER_ID]: null, [MANIFEST_CHECKSUM]: null, [ADOPTED]: null },
  };
  return {
    fate: await kubernetes.patch(place, { metadata: released }, { signal }) === undefined ? "gone" : "released",
  };
}

/** No object of the name is there, or another one, which is none of our business: ours is gone. */
async function isOtherByNow(
  { kubernetes }: PruneParts,
  { place, meta }: Member,
  signal: AbortSignal,
): Promise<boolean> {
  const live = await kubernetes.get(place, signal);
  return live?.metadata.uid !== meta.uid;
}

function resultsOf({ place }: Member, end: Fate): readonly ObjectResult[] {
  const name = objectName(place);
  if (end.fate === "failed") return [{ ...name, action: "failed", error: end.error }];
  if (end.fate === "released") return [{ ...name, action: "configured" }];
  return end.fate === "gone" || end.fate === "going" ? [{ ...name, action: "deleted" }] : [];
}
