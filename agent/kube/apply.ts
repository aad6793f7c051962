import type { Clock } from "$lib/clock.ts";
import { type Backoff, backoffMs } from "$lib/retry.ts";
import { Failure, isFailure } from "$lib/error.ts";
import type { Applied, Kubernetes } from "$lib/kubernetes.ts";
import type { ObjectAction, ObjectResult } from "$lib/wire/event.ts";
import { adopted, isServerAway, typeDefinedBy, type Write } from "./check.ts";
import { type Desired, errorText, objectName } from "./desired.ts";
import type { Discovery } from "./discovery.ts";
import { allEnded, type Limiter } from "./limiter.ts";
import { type AppliedMemory, isWrittenByOthers } from "./memory.ts";
import { groupKindText, type SetIdentity } from "./names.ts";
import { holdsObjects, waves } from "./order.ts";
import { waitForTypes } from "./ready.ts";

/** What applying needs. */
export interface ApplyParts {
  readonly kubernetes: Kubernetes;
  readonly discovery: Discovery;
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly memory: AppliedMemory;
  readonly set: SetIdentity;
  /** Hears what was done to each object, when it is done: a turn that is given up has no end to count at. */
  readonly acted: (action: ObjectAction) => void;
}

interface Applying extends ApplyParts {
  /** Types whose definitions this bundle writes. */
  readonly writtenTypes: ReadonlySet<string>;
}

const TYPE_TRIES = 5;
const TYPE_BACKOFF: Backoff = { minMs: 200, maxMs: 2_000 };

/**
 * Applies what has to be written, wave by wave, each only when the one before went well whole. When `signal` aborts, the
 * writes in flight are waited for, so that nothing is written once this has ended; none is tried again.
 *
 * @returns One result for each object that was tried.
 */
export async function applyWrites(
  parts: ApplyParts,
  { writes, desired }: { readonly writes: readonly Write[]; readonly desired: readonly Desired[] },
  signal: AbortSignal,
): Promise<readonly ObjectResult[]> {
  const results: ObjectResult[] = [];
  const [holders, others] = [writes.filter(isOfHolder), writes.filter((write) => !isOfHolder(write))];
  const applying = { ...parts, writtenTypes: new Set(holders.flatMap(typeDefinedBy)) };
  for (const wave of waves(holders, groupKindOf)) results.push(...await applyWave(applying, wave, signal));
  if (results.some(isFailed)) return results;
  const notReady = await waitForTypes(parts, desired.filter(needsWaiting(holders)), signal);
  notReady.forEach(({ action }) => parts.acted(action));
  if (notReady.length > 0) return [...results, ...notReady];
  for (const wave of waves(others, groupKindOf)) {
    results.push(...await applyWave(applying, wave, signal));
    if (results.some(isFailed)) return results;
  }
  return results;
}

function isOfHolder(write: Write): boolean {
  return holdsObjects(write.desired.groupKind);
}

function groupKindOf({ desired }: Write): Desired["groupKind"] {
  return desired.groupKind;
}

function isFailed({ action }: ObjectResult): boolean {
  return action === "failed";
}

/** Definitions just written, and types that the API server did not know when the bundle was looked at. */
function needsWaiting(holders: readonly Write[]): (desired: Desired) => boolean {
  const written = new Set(holders.map(({ desired }) => desired.key));
  return ({ key, groupKind, isOfNewType }) =>
    isOfNewType || (groupKind.kind === "CustomResourceDefinition" && written.has(key));
}

async function applyWave(parts: Applying, wave: readonly Write[], signal: AbortSignal): Promise<ObjectResult[]> {
  let isAway = false;
  const results = await allEnded(
    wave.map((write) =>
      parts.limiter.run(async (): Promise<readonly ObjectResult[]> => {
        if (isAway) return [];
        const result = await applyOne(parts, write, signal).catch((error) => {
          if (!(error instanceof Failure)) throw error;
          isAway ||= isServerAway(error);
          return { ...objectName(write.desired.place), action: "failed", error: errorText(error) } as const;
        });
        parts.acted(result.action);
        return [result];
      }, signal)
    ),
  );
  return results.flat();
}

async function applyOne(parts: Applying, write: Write, signal: AbortSignal): Promise<ObjectResult> {
  const { kubernetes, memory, set } = parts;
  const { desired: { place, key }, object, before } = write;
  const first = await applyByType(parts, write, signal);
  const isSurprise = before === undefined && !first.isCreated && isWrittenByOthers(first.object.metadata);
  // Without the signal: what is not marked would be deleted, not released, by the removal that may come next.
  const applied = isSurprise ? await kubernetes.apply(place, adopted(object)) : first;
  memory.set(set.stackId, key, applied.object.metadata);
  return { ...objectName(place), action: actionOf(write, applied) };
}

/** For a moment after its definition was written, an API server may still judge an object by what its type was before. */
async function applyByType(
  { kubernetes, clock, writtenTypes }: Applying,
  { desired: { place, groupKind }, object }: Write,
  signal: AbortSignal,
): Promise<Applied> {
  for (let tries = writtenTypes.has(groupKindText(groupKind)) ? 1 : TYPE_TRIES;; tries += 1) {
    try {
      return await kubernetes.apply(place, object, { signal });
    } catch (error) {
      if (tries === TYPE_TRIES || !isFailure(error, "kubernetes_rejected")) throw error;
      await clock.sleep(backoffMs(tries, TYPE_BACKOFF), signal);
    }
  }
}

function actionOf({ before }: Write, { object, isCreated }: Applied): ObjectResult["action"] {
  if (isCreated) return "created";
  return object.metadata.resourceVersion === before?.resourceVersion ? "unchanged" : "configured";
}
