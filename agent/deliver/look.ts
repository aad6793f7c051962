import type { Clock } from "$lib/clock.ts";
import { isFailure, messageOf } from "$lib/error.ts";
import type { Kubernetes, KubernetesObject, ObjectPlace } from "$lib/kubernetes.ts";
import { type Discovery, forgetUnserved } from "../kube/discovery.ts";
import { judgeHealth, type ObjectHealth, podSelectorOf } from "../kube/health/health.ts";
import { PODS } from "../kube/resources.ts";
import { REASON_MAX } from "$lib/wire/event.ts";

/** What a look needs to know of its object, and what is left of it for the next one. */
export interface LookMemory {
  readonly place: ObjectPlace;
  /** Whether it is nothing amiss when the object is there no more, such as a Job that was applied once. */
  readonly mayVanish: boolean;
  /** What the last look came to; undefined before the first. */
  readonly verdict: ObjectHealth | undefined;
  /** When its pods were listed last (monotonic), and what was the matter with them. */
  podsMs: number;
  podTrouble: ObjectHealth | undefined;
}

/** What looks need. */
export interface LookParts {
  readonly clock: Clock;
  readonly kubernetes: Pick<Kubernetes, "get" | "list">;
  readonly discovery: Pick<Discovery, "forget">;
}

const PODS_MAX = 50;
/** Milliseconds between two lists of the same workload's pods, at least. */
export const PODS_SPACING_MS = 30_000;
const NOT_THERE = "it is not there";

/**
 * One look at one object: a GET, and the pods of a workload that is not healthy, if they were not listed a moment ago.
 * At the first such look its pods may not be there yet, and would not be asked again for long: they are at the second.
 *
 * @returns Undefined where nothing was seen, because the API server does not answer: what was seen last stands.
 * @throws The signal's reason when it aborts.
 */
export async function lookAt(
  object: LookMemory,
  parts: LookParts,
  signal: AbortSignal,
): Promise<ObjectHealth | undefined> {
  try {
    const live = await parts.kubernetes.get(object.place, signal);
    return live === undefined ? missing(object) : await judge(live, { object, parts }, signal);
  } catch (error) {
    signal.throwIfAborted();
    forgetUnserved(parts.discovery, object.place, error);
    if (isFailure(error, "kubernetes_unavailable")) return object.verdict === undefined ? unseen(error) : undefined;
    if (isFailure(error, "kubernetes_rejected")) return unseen(error);
    throw error;
  }
}

/** Whether the last look found nothing amiss, or there was none. */
export function wasHealthy({ verdict }: Pick<LookMemory, "verdict">): boolean {
  return verdict === undefined || verdict.health === "healthy";
}

/** At first it may be on its way back: what is deleted by hand is made again by the next turn. */
function missing({ mayVanish, verdict }: LookMemory): ObjectHealth {
  if (mayVanish) return { health: "healthy" };
  return { health: verdict?.reason === NOT_THERE ? "degraded" : "progressing", reason: NOT_THERE };
}

function unseen(error: unknown): ObjectHealth {
  return { health: "unknown", reason: messageOf(error).slice(0, REASON_MAX) };
}

async function judge(
  live: KubernetesObject,
  { object, parts }: { readonly object: LookMemory; readonly parts: LookParts },
  signal: AbortSignal,
): Promise<ObjectHealth> {
  const own = judgeHealth(live);
  if (own.health === "healthy") {
    object.podTrouble = undefined;
    return own;
  }
  const labelSelector = wasHealthy(object) ? undefined : podSelectorOf(live);
  const nowMs = parts.clock.monotonic();
  if (labelSelector !== undefined && nowMs - object.podsMs >= PODS_SPACING_MS) {
    object.podsMs = nowMs;
    const selection = { namespace: live.metadata.namespace, labelSelector, limit: PODS_MAX, signal };
    const judged = judgeHealth(live, await listPods(parts, selection));
    object.podTrouble = judged.reason === own.reason ? undefined : judged;
  }
  return object.podTrouble ?? own;
}

/** Where pods may not be read, a workload is judged by its own status. */
async function listPods(
  { kubernetes }: LookParts,
  selection: Parameters<Kubernetes["list"]>[1],
): Promise<readonly KubernetesObject[]> {
  try {
    return await kubernetes.list(PODS, selection);
  } catch (error) {
    if (isFailure(error, "kubernetes_rejected")) return [];
    throw error;
  }
}
