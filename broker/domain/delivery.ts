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
export const PRUNE_HELD = "prune_held";

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
