import type { z } from "zod";
import type { Delivery, DeliveryDetails, DeliveryObject, ObjectCounts } from "$lib/wire/delivery.ts";
import type { AgentEvent } from "$lib/wire/event.ts";
import type { ConnectivityLimits } from "../domain/agent.ts";
import { causesOf, type KnownSubmission } from "../domain/causes.ts";
import type { KeptResults, ObjectCounts as KeptCounts } from "../domain/results.ts";
import { type ObjectReference, type SeenDelivery, totalOf, type Verdict, verdictOf } from "../domain/seen_delivery.ts";
import { causeBody } from "./causes.ts";

type DeliveryBody = z.input<typeof Delivery>;
type DetailsBody = z.input<typeof DeliveryDetails>;

/** A delivery as lists show it. */
export function deliveryBody(seen: SeenDelivery, limits: ConnectivityLimits): DeliveryBody {
  const verdict = verdictOf(seen, limits);
  return { ...commonBody(seen, verdict), objects: countsBody(verdict.objects) };
}

/** What is shown of one delivery beside what lists show. */
export interface Details {
  readonly results: KeptResults | undefined;
  readonly history: z.input<typeof AgentEvent>[];
  /** The last ones to the stack, newest first. */
  readonly submissions: readonly KnownSubmission[];
}

/** A delivery as it is shown alone. */
export function detailsBody(
  seen: SeenDelivery,
  { results, history, submissions }: Details,
  limits: ConnectivityLimits,
): DetailsBody {
  const verdict = verdictOf(seen, limits);
  return {
    ...commonBody(seen, verdict),
    causes: causesOf({ seen, limits, results, submissions }).map(causeBody),
    object_counts: countsBody(verdict.objects),
    objects: (results?.objects ?? []).map((result) => objectBody(result, verdict)),
    objects_omitted: results?.omitted ?? 0,
    warnings: [...results?.warnings ?? []],
    history,
  };
}

function commonBody(seen: SeenDelivery, verdict: Verdict): Omit<DeliveryBody, "objects"> {
  const { delivery, agent, stack, now } = seen;
  return {
    agent: { id: agent.id, name: agent.name, cluster_name: agent.clusterName, connectivity: verdict.connectivity },
    stack: { id: stack.id, name: stack.name },
    generator_id: stack.generatorId,
    desired: referenceBody(seen.desired),
    applied: seen.applied === undefined ? null : referenceBody(seen.applied),
    state: delivery.state,
    health: verdict.health,
    health_reason: verdict.healthReason ?? null,
    last_known: lastKnownBody(verdict, now),
    reason: delivery.reason ?? null,
    message: delivery.message ?? null,
    attempts: delivery.attempts,
    desired_at: delivery.desiredAt.toISOString(),
    delivered_at: timeBody(delivery.deliveredAt),
    applied_at: timeBody(delivery.appliedAt),
    healthy_at: timeBody(delivery.healthyAt),
    observed_at: delivery.observedAt.toISOString(),
    age_seconds: ageSeconds(delivery.observedAt, now),
    is_stale: verdict.isStale,
    next_retry_at: timeBody(delivery.nextRetryAt),
    held_revision: delivery.heldRevision ?? null,
    trace_id: delivery.traceId ?? null,
  };
}

function referenceBody({ id, sequenceId, submittedAt }: ObjectReference): DeliveryBody["desired"] {
  return { id, sequence_id: sequenceId, submitted_at: submittedAt.toISOString() };
}

function lastKnownBody({ lastKnown }: Verdict, now: Date): DeliveryBody["last_known"] {
  if (lastKnown === undefined) return null;
  const { status: health, reason = null, at } = lastKnown;
  return { health, reason, at: at.toISOString(), age_seconds: ageSeconds(at, now) };
}

function countsBody(counts: KeptCounts | undefined): z.input<typeof ObjectCounts> | null {
  return counts === undefined ? null : { total: totalOf(counts), ...counts };
}

/** Of an agent that is late or lost it is unknown how well an object is. */
function objectBody(
  { health = "unknown", health_reason: reason, ...result }: KeptResults["objects"][number],
  { isStale }: Verdict,
): z.input<typeof DeliveryObject> {
  return {
    group: result.group ?? null,
    version: result.version ?? null,
    kind: result.kind,
    namespace: result.namespace ?? null,
    name: result.name,
    action: result.action,
    health: isStale ? "unknown" : health,
    last_known_health: isStale ? health : null,
    reason: reason ?? null,
    fields: [...result.fields ?? []],
    error: result.error ?? null,
  };
}

function timeBody(time: Date | undefined): string | null {
  return time?.toISOString() ?? null;
}

/** To the millisecond; what an agent with a clock of its own saw may lie ahead. */
function ageSeconds(since: Date, now: Date): number {
  return Math.max(0, now.getTime() - since.getTime()) / 1_000;
}
