import type { Clock } from "$lib/clock.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { type Desired, objectName } from "./desired.ts";
import type { Discovery } from "./discovery.ts";
import { whatRemains } from "./remaining.ts";

/** What waiting for types needs. */
export interface ReadyParts {
  readonly kubernetes: Kubernetes;
  readonly discovery: Discovery;
  readonly clock: Clock;
}

const INTERVAL_MS = 200;
const TIMEOUT_MS = 30_000;

/**
 * Waits until every CustomResourceDefinition among these objects is Established, and the API server serves the type of
 * every other one.
 *
 * @returns A failed result for each object for which that did not happen within 30 s.
 */
export async function waitForTypes(
  parts: ReadyParts,
  awaited: readonly Desired[],
  signal: AbortSignal,
): Promise<readonly ObjectResult[]> {
  const patience = { clock: parts.clock, intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS, signal };
  const waiting = await whatRemains(awaited, async (left) => {
    const ready = await Promise.all(left.map((desired) => isReady(parts, desired, signal)));
    return left.filter((_, index) => !ready[index]);
  }, patience);
  return waiting.map(({ place }) => ({ ...objectName(place), action: "failed", error: NOT_READY }));
}

const NOT_READY = "its CustomResourceDefinition is not Established after 30 s";

async function isReady({ kubernetes, discovery }: ReadyParts, desired: Desired, signal: AbortSignal): Promise<boolean> {
  const { place, groupKind } = desired;
  if (groupKind.kind !== "CustomResourceDefinition") {
    return await discovery.find(place.resource.apiVersion, groupKind.kind, signal) !== undefined;
  }
  const { status } = await kubernetes.get(place, signal) as { readonly status?: DefinitionStatus } | undefined ?? {};
  return isEstablished(status);
}

/** What a CustomResourceDefinition says of how far it is. */
export interface DefinitionStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

/** Whether the API server has taken the type on, so that there can be objects of it. */
export function isEstablished(status: DefinitionStatus | undefined): boolean {
  return status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
}
