import type { HealthStatus } from "$lib/wire/event.ts";
import { type Agent, type Connectivity, type ConnectivityLimits, connectivityOf, isSilent } from "./agent.ts";
import type { Delivery, DeliveryState } from "./delivery.ts";
import type { ObjectCounts } from "./results.ts";

/** What a person sees of a deployment object beside its manifests. */
export interface ObjectReference {
  readonly id: string;
  readonly sequenceId: number;
  readonly submittedAt: Date;
}

/** The object that an agent is to have. */
export interface DesiredObject extends ObjectReference {
  /** When all agents of its stack were decided upon; absent before. */
  readonly settledAt?: Date;
}

/** A delivery with whose it is, read at one moment. */
export interface SeenDelivery {
  readonly delivery: Delivery;
  readonly agent: Pick<Agent, "id" | "name" | "clusterName" | "status" | "heartbeatAgeSeconds" | "k8sReachable">;
  readonly stack: { readonly id: string; readonly name: string; readonly generatorId: string };
  readonly desired: DesiredObject;
  readonly applied?: ObjectReference;
  readonly now: Date;
}

/** Which deliveries; of what is left out, all. */
export interface DeliveryFilter {
  readonly agentId?: string | undefined;
  readonly stackId?: string | undefined;
  readonly generatorId?: string | undefined;
  readonly state?: DeliveryState | undefined;
  /** As it is believed: of agents that are late or lost it is unknown, whatever they last said. */
  readonly health?: HealthStatus | undefined;
  readonly connectivity?: Connectivity | undefined;
  readonly isStale?: boolean | undefined;
  /** How long ago its object was desired, at least. */
  readonly olderThanSeconds?: number | undefined;
}

/** Whether a person should look at it first, by what was last said of it. */
export function isTroubled(state: DeliveryState, health: HealthStatus): boolean {
  return state === "failed" || state === "blocked" || (health === "degraded" && state !== "removed");
}

/** What is believed of a delivery: what its agent said last, while that agent is there. */
export interface Verdict {
  readonly connectivity: Connectivity;
  readonly isStale: boolean;
  readonly health: HealthStatus;
  readonly healthReason?: string | undefined;
  readonly objects?: ObjectCounts | undefined;
  /** Of an agent that is late or lost: its last word. */
  readonly lastKnown?: Delivery["health"];
}

/** Judges a delivery: the last word of an agent that is late or lost is shown as that, and never as what is. */
export function verdictOf({ delivery, agent }: SeenDelivery, limits: ConnectivityLimits): Verdict {
  const connectivity = connectivityOf(agent.heartbeatAgeSeconds, limits);
  const { health, objects } = delivery;
  if (!isSilent(connectivity)) {
    const { status = "unknown", reason: healthReason } = health ?? {};
    return { connectivity, isStale: false, health: status, healthReason, objects };
  }
  const unknown = objects && { healthy: 0, progressing: 0, degraded: 0, unknown: totalOf(objects) };
  return { connectivity, isStale: true, health: "unknown", lastKnown: health, objects: unknown };
}

/** How many objects there are. */
export function totalOf({ healthy, progressing, degraded, unknown }: ObjectCounts): number {
  return healthy + progressing + degraded + unknown;
}
