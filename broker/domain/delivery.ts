import type { ReportedState } from "$lib/wire/event.ts";

/** How far one (agent, stack) is on its way to the desired object. */
export const DELIVERY_STATES = [
  "pending",
  "applying",
  "applied",
  "failed",
  "blocked",
  "terminating",
  "removed",
] as const;
/** One of {@linkcode DELIVERY_STATES}. */
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** The reason of a removal that the agent's guard stops until a person allows it. */
const PRUNE_HELD = "prune_held";

/** One (agent, stack): what is desired, and what the agent last said of it. */
export interface Delivery {
  readonly agentId: string;
  readonly stackId: string;
  /** Of a deletion or an ended association: the last object that was desired. */
  readonly desiredObjectId: string;
  readonly appliedObjectId?: string;
  readonly state: DeliveryState;
  readonly reason?: string;
  readonly message?: string;
  readonly attempts: number;
  /** When the agent was first told of any object of the stack. */
  readonly firstSeenAt?: Date;
  /** The revision at which the agent's guard held the removal. */
  readonly heldRevision?: number;
  readonly desiredAt: Date;
  /** When the agent was told of the desired object. */
  readonly deliveredAt?: Date;
  readonly appliedAt?: Date;
  /** Since when the state is known: the age of everything above. */
  readonly observedAt: Date;
  readonly nextRetryAt?: Date;
}

/** What an agent says of one delivery, whatever the transport. */
export interface Report {
  readonly agentId: string;
  readonly stackId?: string;
  /** Without it the delivery's desired object is meant. */
  readonly objectId?: string;
  readonly state: ReportedState;
  readonly eventType?: EventType;
  readonly message?: string;
  readonly reason?: string;
  /** With `seq`, tells a report sent twice from two reports. */
  readonly bootId?: string;
  readonly seq?: number;
  /** The snapshot's revision that the agent acted on. */
  readonly revision?: number;
  readonly attempts?: number;
  readonly nextRetryAt?: Date;
}

/** What was tried. */
export type EventType = "DEPLOY" | "DELETE";
/** How it ended. */
export type EventStatus = "SUCCESS" | "FAILURE";

/** A line of an agent's history. */
export interface AgentEvent {
  readonly id: string;
  readonly agentId: string;
  readonly deploymentObjectId: string;
  readonly eventType: EventType;
  readonly status: EventStatus;
  readonly message?: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a report did. */
export interface ReportOutcome {
  /** Absent for `applying`, which leaves no history. */
  readonly event?: AgentEvent;
  /** The delivery before and after; absent when the report was a repetition or changed nothing. */
  readonly change?: { readonly before: Delivery; readonly after: Delivery };
}

/**
 * What a report turns a delivery into; the delivery itself when it says nothing new.
 *
 * A report on another object than the desired one tells only what is applied. Of a delivery that is `terminating`, only
 * `removed` changes the state; of one that is to be there, a removal makes it `pending` again.
 */
export function afterReport(delivery: Delivery, report: Report, now: Date): Delivery {
  const { objectId = delivery.desiredObjectId } = report;
  const appliedObjectId = appliedAfter(delivery, report.state, objectId);
  const heard = appliedObjectId === delivery.appliedObjectId ? delivery : { ...delivery, appliedObjectId };
  if (objectId !== delivery.desiredObjectId || delivery.state === "removed") return heard;
  return delivery.state === "terminating" ? whileTerminating(heard, report, now) : whileWanted(heard, report, now);
}

/** Whether the removal waits for a person's word. */
export function isHeld({ reason }: { readonly reason?: string }): boolean {
  return reason === PRUNE_HELD;
}

function appliedAfter({ appliedObjectId }: Delivery, state: ReportedState, objectId: string): string | undefined {
  if (state === "applied") return objectId;
  return state === "removed" && appliedObjectId === objectId ? undefined : appliedObjectId;
}

function whileTerminating(delivery: Delivery, report: Report, now: Date): Delivery {
  if (report.state === "removed") {
    return { ...delivery, ...verdict(delivery, report, now), state: "removed", appliedObjectId: undefined };
  }
  if (report.state !== "failed" && report.state !== "blocked") return delivery;
  const heldRevision = isHeld(report) ? report.revision : undefined;
  return { ...delivery, ...verdict(delivery, report, now), heldRevision };
}

function whileWanted(delivery: Delivery, report: Report, now: Date): Delivery {
  if (isHeld(report)) return delivery;
  const told = { firstSeenAt: delivery.firstSeenAt ?? now, deliveredAt: delivery.deliveredAt ?? now };
  const known = { ...delivery, ...told, ...verdict(delivery, report, now) };
  if (report.state === "removed") {
    return { ...known, state: "pending", appliedObjectId: undefined, appliedAt: undefined };
  }
  if (report.state === "applied") return { ...known, state: "applied", appliedAt: delivery.appliedAt ?? now };
  return { ...known, state: report.state };
}

function verdict({ attempts }: Delivery, report: Report, now: Date): Partial<Delivery> {
  const { reason, message, nextRetryAt } = report;
  const counted = report.state === "failed" || report.state === "blocked" ? attempts + 1 : attempts;
  return {
    reason,
    message,
    heldRevision: undefined,
    attempts: report.attempts ?? counted,
    nextRetryAt,
    observedAt: now,
  };
}
