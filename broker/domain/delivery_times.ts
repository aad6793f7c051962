import type { Delivery } from "./delivery.ts";

/** What a delivery comes to on its way, each timed from when its object was desired. */
export const DELIVERY_STAGES = ["delivered", "applied", "healthy"] as const;
/** One of {@linkcode DELIVERY_STAGES}. */
export type DeliveryStage = (typeof DELIVERY_STAGES)[number];

/** Whether a delivery became healthy within `deliveries.slo_seconds`. */
export const SLO_RESULTS = ["in_time", "late"] as const;
/** One of {@linkcode SLO_RESULTS}. */
export type SloResult = (typeof SLO_RESULTS)[number];

/** Hears that a delivery came to a stage, and how long that took. */
export type ObserveDelivery = (stage: DeliveryStage, seconds: number) => void;

/** Tells the stages that a delivery came to by a change: none that it had come to before, whatever was repeated. */
export function observeChange(
  { before, after }: { readonly before: Delivery; readonly after: Delivery },
  observe: ObserveDelivery,
): void {
  const { desiredAt, deliveredAt, appliedAt, healthyAt } = after;
  if (before.deliveredAt === undefined && deliveredAt !== undefined) {
    observe("delivered", between(desiredAt, deliveredAt));
  }
  if (before.appliedAt === undefined && appliedAt !== undefined) observe("applied", between(desiredAt, appliedAt));
  if (before.healthyAt === undefined && healthyAt !== undefined) observe("healthy", between(desiredAt, healthyAt));
}

/** A transaction's time is that of its begin: one that waited for another may say that it was the earlier. */
function between(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1_000;
}
