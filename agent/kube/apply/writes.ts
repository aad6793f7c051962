import type { Clock } from "$lib/clock.ts";
import { Failure, isFailure } from "$lib/error.ts";
import {
  type Applied,
  FIELD_MANAGER,
  isRefused,
  isServerAway,
  type Kubernetes,
  type KubernetesObject,
  type ObjectMeta,
} from "$lib/kubernetes.ts";
import { type Backoff, backoffMs } from "$lib/retry.ts";
import type { ObjectAction, ObjectResult } from "$lib/wire/event.ts";
import { allEnded } from "../all_ended.ts";
import { objectName } from "../desired.ts";
import { FIELDS_FOUND_MAX, ownDifferences } from "../compare/differences.ts";
import type { Fights } from "../compare/fights.ts";
import { foldPatch } from "../compare/folding.ts";
import { type Discovery, forgetUnserved } from "../discovery.ts";
import { faultText } from "./decode_fault.ts";
import { adopted, type Write } from "./judge.ts";
import { MANIFEST_CHECKSUM, OWNER_ID, PART_OF, STACK } from "../names.ts";
import { waves } from "./order.ts";
import { replace } from "./replacing.ts";
import { pauseUnsettled, UNSETTLED_TRIES } from "./settling.ts";
import type { TurnRecord } from "../records/turn_record.ts";

/** What writing needs. */
export interface WriteParts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly discovery: Pick<Discovery, "forget">;
  readonly record: TurnRecord;
  readonly fights: Fights;
  /** Hears what was done to each object, when it is done: a turn that is given up has no end to count at. */
  readonly acted: (action: ObjectAction) => void;
  /** Something was written that decides what the API server admits: it hears of that a moment later. */
  readonly isUnsettled: boolean;
}

const FOLD_TRIES = 10;
/** Of a workload that is just rolled out, its controller writes the status several times a second. */
const FOLD_BACKOFF: Backoff = { minMs: 50, maxMs: 1_000 };

/**
 * Writes wave by wave, each only when the one before went well whole. When `signal` aborts, the writes in flight are
 * waited for, so that nothing is written once this has ended; none is tried again.
 *
 * @returns One result for each object that was tried.
 */
export async function performWrites(
  parts: WriteParts,
  writes: readonly Write[],
  signal: AbortSignal,
): Promise<readonly ObjectResult[]> {
  const results: ObjectResult[] = [];
  for (const wave of waves(writes, ({ desired }) => desired.groupKind)) {
    results.push(...await writeWave(parts, wave, signal));
    if (results.some(({ action }) => action === "failed")) return results;
  }
  return results;
}

/** All at once; when one finds the API server away, the others that were not sent are not. */
async function writeWave(parts: WriteParts, wave: readonly Write[], signal: AbortSignal): Promise<ObjectResult[]> {
  const away = new AbortController();
  const either = AbortSignal.any([signal, away.signal]);
  const results = await allEnded(wave, async (write): Promise<readonly ObjectResult[]> => {
    try {
      const result = await writeOne(parts, write, either);
      parts.acted(result.action);
      return [result];
    } catch (error) {
      signal.throwIfAborted();
      if (away.signal.aborted && error === away.signal.reason) return [];
      if (!(error instanceof Failure)) throw error;
      forgetUnserved(parts.discovery, write.desired.place, error);
      if (isServerAway(error)) away.abort(new DOMException("the API server is away", "AbortError"));
      parts.acted("failed");
      return [{ ...objectName(write.desired.place), action: "failed", error: faultText(error, write.object) }];
    }
  });
  return results.flat();
}

async function writeOne(parts: WriteParts, write: Write, signal: AbortSignal): Promise<ObjectResult> {
  const { desired, before, how, isAdopted, yielded } = write;
  const applied = await send(parts, write, signal);
  const isSurprise = before === undefined && !applied.isCreated && isWrittenByOthers(applied.object.metadata);
  // Without the signal: what is not marked would be deleted, not released, by the removal that may come next.
  const final = isSurprise && desired.policies.adopt !== "own"
    ? await parts.kubernetes.apply(desired.place, adopted(write.object))
    : applied;
  for (const field of write.takenBack) parts.fights.takenBack(desired.key, field, desired.checksum);
  parts.record.note(desired, final.object.metadata, { isAdopted: isAdopted || final !== applied, yielded });
  const action = how === "replace" ? "replaced" : actionOf(before, final);
  const fields = changedFields(write, final.object);
  return { ...objectName(desired.place), action, ...(fields.length === 0 ? {} : { fields: [...fields] }) };
}

/**
 * Where a dry run could not tell all that the write would change, as of what fills a quota, the object does, as it is
 * now.
 */
function changedFields({ before, fields, isTried }: Write, now: KubernetesObject): readonly string[] {
  if (before === undefined || (isTried && fields.length > 0)) return fields;
  return [...new Set([...fields, ...ownDifferences(before, now)])].slice(0, FIELDS_FOUND_MAX);
}

async function send(parts: WriteParts, write: Write, signal: AbortSignal): Promise<Applied> {
  const { desired: { place }, object, before, how } = write;
  if (how === "replace" && before !== undefined) return await replace(parts, { place, object, live: before }, signal);
  const marked = how === "mark" && before !== undefined ? await mark(parts, write, before) : undefined;
  return marked === undefined ? await applyFolded(parts, write, signal) : { object: marked, isCreated: false };
}

/** Says whose the object is, and changes nothing else of it; undefined where there is none any more. */
async function mark(
  { kubernetes }: WriteParts,
  { desired: { place, object } }: Write,
  { metadata: { uid } }: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  const { labels = {}, annotations = {} } = object.metadata;
  const marks = [STACK, OWNER_ID, MANIFEST_CHECKSUM].map((name) => [name, annotations[name]]);
  const metadata = { uid, labels: { [PART_OF]: labels[PART_OF] }, annotations: Object.fromEntries(marks) };
  return await kubernetes.patch(place, { metadata });
}

/** Whether somebody but us has set fields of the object itself, its status aside. */
function isWrittenByOthers({ managedFields }: ObjectMeta): boolean {
  return managedFields?.some(({ manager, subresource }) => manager !== FIELD_MANAGER && !subresource) ?? false;
}

/**
 * Fields whose owners are to be others are handed over first; the object may be written to in between by its
 * controller.
 */
async function applyFolded(parts: WriteParts, write: Write, signal: AbortSignal): Promise<Applied> {
  const { kubernetes, clock } = parts;
  const { desired: { place }, handOver } = write;
  for (let live = write.before, tries = 1; live !== undefined; tries += 1) {
    const managedFields = handOver?.(live);
    if (managedFields === undefined) break;
    try {
      await kubernetes.patch(place, foldPatch(live, managedFields), { type: "json", signal });
      break;
    } catch (error) {
      if (tries === FOLD_TRIES || !isRefused(error, 409, 422)) throw error;
      await clock.sleep(backoffMs(tries, FOLD_BACKOFF), signal);
      live = await kubernetes.get(place, signal);
    }
  }
  return await applySettled(parts, write, signal);
}

/** For a moment after a type, a quota or a class was written, an API server may still judge by what was before. */
async function applySettled(
  { kubernetes, clock, isUnsettled }: WriteParts,
  { desired: { place, policies }, object }: Write,
  signal: AbortSignal,
): Promise<Applied> {
  const force = policies.force !== "disabled";
  for (let tries = isUnsettled ? 1 : UNSETTLED_TRIES;; tries += 1) {
    try {
      return await kubernetes.apply(place, object, { force, signal });
    } catch (error) {
      if (tries === UNSETTLED_TRIES || !isFailure(error, "kubernetes_rejected")) throw error;
      await pauseUnsettled(clock, tries, signal);
    }
  }
}

function actionOf(before: KubernetesObject | undefined, { object, isCreated }: Applied): ObjectAction {
  if (isCreated) return "created";
  return object.metadata.resourceVersion === before?.metadata.resourceVersion ? "unchanged" : "configured";
}
