import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { isRefused, type Kubernetes, type ObjectMeta } from "$lib/kubernetes.ts";
import { type Backoff, backoffMs } from "$lib/retry.ts";
import type { ObjectAction, ObjectResult } from "$lib/wire/event.ts";
import type { Claim, Claims } from "../../plan/claims.ts";
import { allEnded } from "../all_ended.ts";
import { sameJson } from "../compare/pointers.ts";
import { type Approval, inTheWayInside, type NamespaceContents } from "./contents.ts";
import type { Disposition } from "./disposition.ts";
import { errorText, objectName } from "../desired.ts";
import { type Discovery, forgetUnserved } from "../discovery.ts";
import { waitUntilGone } from "./gone.ts";
import { marksOf } from "../records/marks.ts";
import type { Member } from "../records/members.ts";
import { ADOPTED, MANIFEST_CHECKSUM, OWNER_ID, PART_OF, type SetIdentity, STACK } from "../names.ts";
import { broughtGroup, holdsObjects, waves } from "../apply/order.ts";
import type { TurnRecord } from "../records/turn_record.ts";

/** What pruning needs. */
export interface PruneParts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly discovery: Discovery;
  readonly set: SetIdentity;
  readonly record: TurnRecord;
  /**
   * Asked until the request for an object's end goes: its wave, and each try, may come minutes after it was decided.
   */
  readonly claims: Pick<Claims, "wantedBy" | "watch">;
  /** Hears what was done to each object, when it is done: a turn that is given up has no end to count at. */
  readonly acted: (action: ObjectAction) => void;
  /** Names of objects that others put into every namespace: they keep none from being deleted. */
  readonly ignoreInNamespaces: readonly string[];
  /** What a person saw in the way, and approved to go. */
  readonly approval: Approval | undefined;
}

/** Of a workload that is just rolled out, its controller writes the status several times a second. */
const VERSION_TRIES = 10;
const VERSION_BACKOFF: Backoff = { minMs: 50, maxMs: 1_000 };

/** An object that leaves its stack, and how. */
export interface PruneItem {
  readonly member: Member;
  readonly how: Extract<Disposition["is"], "kept" | "released" | "unwanted">;
  /** Why it is kept. */
  readonly why?: string;
}

/** An object that another stack wants, or is not known not to, by the time that it would go: it stays until then. */
export interface Awaited {
  readonly member: Member;
  /** That stack's name. */
  readonly by: string | undefined;
  /** Its marks or its owners changed since it was decided about: that is done anew. */
  readonly isChanged?: boolean;
}

/** What came of objects that are not wanted any more. */
export interface Pruned {
  /** Deleted, kept, released (`configured`) or failed ones. */
  readonly results: readonly ObjectResult[];
  /** Deleted, now or earlier, but not gone yet: a finalizer or a namespace's content holds them. */
  readonly going: readonly Member[];
  /** What could not be deleted because of what others have in it. */
  readonly inTheWay: readonly NamespaceContents[];
  readonly awaited: readonly Awaited[];
  /** Objects whose turn did not come, because something before them failed or is not gone yet. */
  readonly untried: number;
}

type PruneOutcome =
  | { readonly is: "gone" | "going" | "leaving" | "released" | "kept" }
  | { readonly is: "blocked"; readonly contents: NamespaceContents }
  | ({ readonly is: "awaited" } & Omit<Awaited, "member">)
  | { readonly is: "failed"; readonly error: string };

interface Ended extends PruneItem {
  readonly end: PruneOutcome;
  readonly results: readonly ObjectResult[];
}

/**
 * Takes objects out of the cluster, or out of our hands, in the reverse of the order of applying: each wave when the
 * one before is gone, for a finalizer's controller may be in the next. When `signal` aborts, the writes in flight are
 * waited for, and none is tried again.
 */
export async function prune(parts: PruneParts, items: readonly PruneItem[], signal: AbortSignal): Promise<Pruned> {
  const ends: Ended[] = [];
  let going: readonly Member[] = [];
  const brought = new Set(
    items.flatMap(({ member: { groupKind, place } }) => broughtGroup(groupKind, place.name) ?? []),
  );
  // Without its APIService nobody sees it.
  const isLast = ({ member }: PruneItem) => brought.has(member.groupKind.group);
  for (const wave of waves(items, ({ member }) => member.groupKind, isLast).toReversed()) {
    going = await waitUntilGone(parts, going, signal);
    if (going.length > 0) break;
    const ended = await allEnded(wave, (one) => pruneOne(parts, one, signal));
    ends.push(...ended);
    going = ended.filter(({ end }) => end.is === "going" || end.is === "leaving").map(({ member }) => member);
    if (ended.some(({ end }) => end.is === "failed")) break;
  }
  return {
    going,
    results: ends.flatMap(({ results }) => results),
    inTheWay: ends.flatMap(({ end }) => end.is === "blocked" ? [end.contents] : []),
    awaited: ends.flatMap(({ end, member }) => end.is === "awaited" ? [{ ...end, member }] : []),
    untried: items.length - ends.length,
  };
}

async function pruneOne(parts: PruneParts, item: PruneItem, signal: AbortSignal): Promise<Ended> {
  const end = await tried(parts, item, signal);
  const results = resultsOf(item, end);
  results.forEach(({ action }) => parts.acted(action));
  if (end.is === "gone" || end.is === "released" || end.is === "kept") parts.record.drop(item.member.key);
  return { ...item, end, results };
}

async function tried(parts: PruneParts, item: PruneItem, signal: AbortSignal): Promise<PruneOutcome> {
  const { claims, set } = parts;
  const claim = () => claims.wantedBy(item.member.key, set.stackId);
  if (claim() !== "nobody") return awaitedBy(claim());
  using watch = claims.watch(item.member.key, set.stackId);
  try {
    return await takeOut(parts, item, AbortSignal.any([signal, watch.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (watch.signal.aborted) return awaitedBy(claim());
    if (!(error instanceof Failure)) throw error;
    forgetUnserved(parts.discovery, item.member.place, error);
    if (isRefused(error, 409, 422) && await isOtherByNow(parts, item.member, signal)) return { is: "gone" };
    return { is: "failed", error: errorText(error) };
  }
}

function awaitedBy(claim: Claim): PruneOutcome {
  return { is: "awaited", by: typeof claim === "string" ? undefined : claim.name };
}

/**
 * Takes the object out that was decided about: what others change of it meanwhile, but its marks and its owners, is
 * looked past. Another stack may have taken it over since, whose marks a request on its way would find.
 */
async function takeOut(parts: PruneParts, item: PruneItem, signal: AbortSignal): Promise<PruneOutcome> {
  const { kubernetes, clock } = parts;
  const { place, meta: decided } = item.member;
  for (let meta = decided, tries = 1;; tries += 1) {
    try {
      return item.how === "unwanted"
        ? await remove(parts, { ...item.member, meta }, signal)
        : await release(parts, { ...item, member: { ...item.member, meta } }, signal);
    } catch (error) {
      if (!isRefused(error, 409) || tries === VERSION_TRIES) throw error;
      const live = (await kubernetes.get(place, signal))?.metadata;
      if (live === undefined || live.uid !== decided.uid) return { is: "gone" };
      if (live.resourceVersion === meta.resourceVersion) throw error;
      if (!isOwnedAlike(live, decided)) return { is: "awaited", by: undefined, isChanged: true };
      await clock.sleep(backoffMs(tries, VERSION_BACKOFF), signal);
      meta = live;
    }
  }
}

function isOwnedAlike(one: ObjectMeta, other: ObjectMeta): boolean {
  const owned = (meta: ObjectMeta) => [marksOf({ ...meta, finalizers: [] }), meta.ownerReferences];
  return sameJson(owned(one), owned(other));
}

async function remove(parts: PruneParts, member: Member, signal: AbortSignal): Promise<PruneOutcome> {
  const { place, meta: { deletionTimestamp, uid = "", resourceVersion } } = member;
  if (deletionTimestamp !== undefined) return { is: "leaving" };
  if (holdsObjects(member.groupKind)) {
    const contents = await inTheWayInside(parts, member, signal);
    if (contents !== undefined) return { is: "blocked", contents };
  }
  return { is: await parts.kubernetes.delete(place, { uid, resourceVersion }, signal) };
}

/** Takes our marks away in one patch: what stays is nobody's, and no other agent takes it for ours. */
async function release(
  { kubernetes }: PruneParts,
  { member: { place, meta: { uid, resourceVersion } }, how }: PruneItem,
  signal: AbortSignal,
): Promise<PruneOutcome> {
  const released = {
    uid,
    resourceVersion,
    labels: { [PART_OF]: null },
    annotations: { [STACK]: null, [OWNER_ID]: null, [MANIFEST_CHECKSUM]: null, [ADOPTED]: null },
  };
  const patched = await kubernetes.patch(place, { metadata: released }, { signal });
  if (patched === undefined) return { is: "gone" };
  return { is: how === "kept" ? "kept" : "released" };
}

/**
 * No object of the name is there, or another one, which is none of our business: ours is gone. A patch is a 422 then.
 */
async function isOtherByNow(
  { kubernetes }: PruneParts,
  { place, meta }: Member,
  signal: AbortSignal,
): Promise<boolean> {
  const live = await kubernetes.get(place, signal);
  return live?.metadata.uid !== meta.uid;
}

const ACTIONS: Readonly<Partial<Record<PruneOutcome["is"], ObjectAction>>> = {
  gone: "deleted",
  going: "deleted",
  released: "configured",
  kept: "kept",
  failed: "failed",
};

/** What was only to lose our marks, and went by somebody's hand before that, was not deleted by us. */
function resultsOf({ member: { place }, how }: PruneItem, end: PruneOutcome): readonly ObjectResult[] {
  const action = ACTIONS[end.is];
  if (action === undefined || (end.is === "gone" && how !== "unwanted")) return [];
  return [{ ...objectName(place), action, ...(end.is === "failed" ? { error: end.error } : {}) }];
}
