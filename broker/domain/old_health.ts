import { Failure, shortened } from "$lib/error.ts";
import { type HealthStatus, REASON_MAX } from "$lib/wire/event.ts";
import type { DeploymentObjectHealthUpdate, HealthSummary } from "$lib/wire/health.ts";
import type { DeliveryState, Health } from "./delivery.ts";

/** Health in the words of existing clients, the worst first. */
const OLD_HEALTHS = ["failing", "degraded", "unknown", "healthy"] as const;
/** One of {@linkcode OLD_HEALTHS}. */
export type OldHealth = (typeof OLD_HEALTHS)[number];

const OURS: Readonly<Record<OldHealth, HealthStatus>> = {
  failing: "degraded",
  degraded: "degraded",
  unknown: "unknown",
  healthy: "healthy",
};

/** What there is to say in the words of existing clients. */
export interface Condition {
  readonly state: DeliveryState;
  /** As the agent reported it; absent where it said nothing. */
  readonly health?: HealthStatus | undefined;
  /** Its agent is late or lost. */
  readonly isStale: boolean;
}

/** Our word in theirs: what progresses is not yet as it should be. */
export function oldHealthOf({ state, health = "unknown", isStale }: Condition): OldHealth {
  if (isStale || health === "unknown") return "unknown";
  if (health === "healthy") return "healthy";
  return health === "degraded" && state === "failed" ? "failing" : "degraded";
}

/** The worst of several; `unknown` where there are none. */
export function worstOf(healths: Iterable<OldHealth>): OldHealth {
  const known = new Set(healths);
  return OLD_HEALTHS.find((one) => known.has(one)) ?? "unknown";
}

/**
 * What an existing agent says of one deployment object, in our words.
 *
 * @throws {Failure} `invalid_health_record` for a status that is none of theirs.
 */
export function readOldHealth({ id, status, checked_at: at, summary }: DeploymentObjectHealthUpdate): Health {
  const known = OLD_HEALTHS.find((one) => one === status);
  if (known === undefined) {
    const message = `Cannot take the health of deployment object "${id}": its status is "${shortened(status)}"`;
    throw new Failure("invalid_health_record", message);
  }
  const reason = known === "healthy" || !summary ? undefined : reasonOf(summary);
  return { status: OURS[known], reason, at: new Date(at) };
}

function reasonOf({ conditions, pods_ready: ready, pods_total: total }: HealthSummary): string {
  const text = conditions.length > 0 ? conditions.join(", ") : `${ready} of ${total} pods ready`;
  return shortened(text, REASON_MAX - 1);
}
