import { Failure, isFailure } from "$lib/error.ts";
import { type Applied, isRefused, type Kubernetes, type KubernetesObject, type ObjectPlace } from "$lib/kubernetes.ts";
import { errorText } from "../desired.ts";
import { groupKindOf, groupKindText } from "../names.ts";
import { type WaitingParts, whatRemains } from "./remaining.ts";
import { pauseUnsettled, UNSETTLED_TRIES } from "./settling.ts";
import { isOwnQuota, withoutTaken } from "./taken.ts";

/** What is to be made anew where it can't be changed (`brokkr.io/replace: immutable`). */
export interface Replacement {
  readonly place: ObjectPlace;
  /** As it is to be in the cluster. */
  readonly object: KubernetesObject;
  /** As it is. */
  readonly live: KubernetesObject;
}

/** A manifest that the API server takes as a new object. */
export interface Replaceable {
  /** The manifest as it was tried; left out, as `made` is, where no room was left to make anything of it. */
  readonly sent?: KubernetesObject;
  /** What the API server would make of it, under another name. */
  readonly made?: KubernetesObject;
}

/** Of these the end would take more with it than one object. */
const NEVER = new Set(["PersistentVolumeClaim", "Namespace", "CustomResourceDefinition.apiextensions.k8s.io"]);

/**
 * What a refused dry run of an apply was about. Where the API server would take the same manifest as a new object,
 * under another name and without what the live one has and only one can have, it was the change that it refuses. Asks
 * by a dry run alone.
 *
 * @returns Undefined where it would not, in doubt, and for kinds that are never replaced: then the refusal stands.
 * @throws {Failure} `kubernetes_unavailable`.
 */
export async function tryReplace(
  kubernetes: Kubernetes,
  { place: { resource, namespace }, object, live, refusal }: Replacement & { readonly refusal: unknown },
  signal: AbortSignal,
): Promise<Replaceable | undefined> {
  if (!isRefused(refusal, 422) || NEVER.has(groupKindText(groupKindOf(resource)))) return undefined;
  const { name, ...metadata } = object.metadata;
  try {
    const where = namespace === undefined ? {} : { namespace };
    const sent = withoutTaken(object, live);
    const unnamed = { ...sent, metadata: { ...metadata, ...where, generateName: `${name}-` } };
    return { sent, made: await kubernetes.create(resource, unnamed, { dryRun: true, signal }) };
  } catch (error) {
    if (!isFailure(error, "kubernetes_rejected")) throw error;
    return isOwnQuota(error, { resource }) ? {} : undefined;
  }
}

/** What replacing needs. */
export interface ReplaceParts extends WaitingParts {
  readonly kubernetes: Kubernetes;
}

const INTERVAL_MS = 250;
const TIMEOUT_MS = 30_000;

/**
 * Deletes exactly the live object, waits until it is gone and makes it anew. When `signal` aborts after the delete, the
 * object is not there: the record has it, and the next turn makes it.
 *
 * @throws {Failure} `kubernetes_rejected` when it is not gone after 30 s, as a finalizer keeps it, and when it is gone
 * and can't be made.
 */
export async function replace(
  parts: ReplaceParts,
  { place, object, live }: Replacement,
  signal: AbortSignal,
): Promise<Applied> {
  const { kubernetes } = parts;
  const uid = live.metadata.uid ?? "";
  if (await kubernetes.delete(place, { uid }, signal) === "going") {
    const look = async (left: readonly string[]) =>
      (await kubernetes.get(place, signal))?.metadata.uid === uid ? left : [];
    const patience = { until: "gone", intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS, signal } as const;
    const left = await whatRemains(parts, { things: [uid], look }, patience);
    if (left.length > 0) throw stillGoing(place);
  }
  return await applyFreed(parts, { place, object }, signal);
}

/**
 * For a moment the API server may take what the deleted one had for taken still: its place in a quota, or as the
 * default.
 */
async function applyFreed(
  { kubernetes, clock }: ReplaceParts,
  { place, object }: Omit<Replacement, "live">,
  signal: AbortSignal,
): Promise<Applied> {
  for (let tries = 1;; tries += 1) {
    try {
      return await kubernetes.apply(place, object, { signal });
    } catch (error) {
      if (!isRefused(error, 403, 422)) throw error;
      if (tries === UNSETTLED_TRIES) throw notMade(error);
      await pauseUnsettled(clock, tries, signal);
    }
  }
}

/** Somebody else has its place by now: whoever reads only that does not learn that there is none any more. */
function notMade(cause: Failure): Failure {
  const message = `it was deleted to be made anew, and is not there now: ${errorText(cause)}`;
  return new Failure(cause.code, cause.message, { cause, details: { ...cause.details, message } });
}

function stillGoing({ resource: { kind }, name }: ObjectPlace): Failure {
  const message = "it is being deleted to be made anew, and a finalizer still keeps it";
  return new Failure("kubernetes_rejected", `Cannot replace ${kind} "${name}": ${message}`, { details: { message } });
}
