import type { HealthStatus, ObjectResult, ReportedState, ReportReason, YieldedField } from "$lib/wire/event.ts";
import { isOnlyHealth, messageOf } from "./report.ts";
import { countObjects, type ObjectCounts } from "./results.ts";

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

/** The reason of removals that the agent's guard stops until a person allows them, all of them at once. */
const PRUNE_HELD: ReportReason = "prune_held";
/** The reason of a removal stopped by what lives in a namespace of it, until a person allows that very stack's. */
const NAMESPACE_NOT_EMPTY: ReportReason = "namespace_not_empty";

/** How well what the agent applied works. */
export interface Health {
  readonly status: HealthStatus;
  readonly reason?: string;
  /** When the agent saw it so. */
  readonly at: Date;
}

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
  /** The revision at which the agent stopped a removal until a person's word. */
  readonly heldRevision?: number;
  /** The revision at which a person allowed this very stack's removal. */
  readonly approvedRevision?: number;
  readonly desiredAt: Date;
  /** When the agent was told of the desired object. */
  readonly deliveredAt?: Date;
  readonly appliedAt?: Date;
  /** Since when the state is known: the age of everything above. */
  readonly observedAt: Date;
  readonly nextRetryAt?: Date;
  readonly health?: Health;
  /** When the desired object was healthy for the first time. */
  readonly healthyAt?: Date;
  /** While it is progressing or degraded: since it was last healthy, else since its object was desired. */
  readonly unhealthySince?: Date;
  /** How well each object of what was applied last is. */
  readonly objects?: ObjectCounts;
  /** The fields that the agent leaves to other managers. */
  readonly yielded?: readonly YieldedField[];
  /** The span of the desired object's submission, flagged for this agent. */
  readonly traceparent?: string;
  /** The trace of what the agent said last, where it is exported. */
  readonly traceId?: string;
}

/** What an agent says of one delivery, whatever the transport. */
export interface Report {
  readonly agentId: string;
  readonly stackId?: string;
  /** Without it the delivery's desired object is meant. */
  readonly objectId?: string;
  /** Absent where only the health is said. */
  readonly state?: ReportedState;
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
  readonly health?: Health;
  readonly yielded?: readonly YieldedField[];
  readonly results?: readonly ObjectResult[];
  /** What was done otherwise than the bundle says. */
  readonly warnings?: readonly string[];
  /** The trace of what it is about, where that is exported. */
  readonly traceId?: string;
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
  readonly traceId?: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a report did. */
export interface ReportOutcome {
  /** Absent for what leaves no history: `applying`, health alone, a removal of what is gone already. */
  readonly event?: AgentEvent;
  /** The delivery before and after; absent when the report was a repetition or changed nothing. */
  readonly change?: {
    readonly before: Delivery;
    readonly after: Delivery;
    /** The agent's snapshot says something else than before. */
    readonly isNotified: boolean;
  };
}

/**
 * What a report turns a delivery into; the delivery itself when it says nothing new.
 *
 * A report on another object than the desired one tells only what is applied. Of a delivery that is `terminating`, only
 * `removed` changes the state; of one that is to be there, a removal makes it `pending` again.
 */
export function afterReport(delivery: Delivery, said: Report, now: Date): Delivery {
  const report = withoutFuture(said, now);
  const after = stateAfter(delivery, report, now);
  if (after.health === undefined || after.health !== report.health) return after;
  const unhealthySince = unhealthySinceOf(after, now);
  return {
    ...after,
    unhealthySince,
    healthyAt: isFirstHealthy(after) ? laterOf(now, after.desiredAt) : after.healthyAt,
  };
}

/** A transaction's time is that of its begin, which may be before what it waited for. */
function laterOf(one: Date, other: Date): Date {
  return one < other ? other : one;
}

/** What was not healthy before stays so for as long as it has been, whatever is desired of it meanwhile. */
function unhealthySinceOf({ health, unhealthySince, healthyAt, desiredAt }: Delivery, now: Date): Date | undefined {
  if (health?.status === "healthy") return undefined;
  if (health?.status === "unknown") return unhealthySince;
  return unhealthySince ?? (healthyAt === undefined ? desiredAt : now);
}

/** A clock that goes ahead of ours has seen no later than now: what it says once it is right again counts, too. */
function withoutFuture(report: Report, now: Date): Report {
  const { health } = report;
  return health === undefined || health.at <= now ? report : { ...report, health: { ...health, at: now } };
}

function stateAfter(delivery: Delivery, report: Report, now: Date): Delivery {
  const { objectId = delivery.desiredObjectId, state } = report;
  const appliedObjectId = appliedAfter(delivery, state, objectId);
  const heard = appliedObjectId === delivery.appliedObjectId ? delivery : { ...delivery, appliedObjectId };
  if (objectId !== delivery.desiredObjectId) return heard;
  if (delivery.state === "removed") return whenRemoved(heard, report, now);
  if (state === undefined || isOnlyHealth(report, delivery)) {
    return { ...heard, ...condition(delivery, report), observedAt: now };
  }
  const said = { ...report, state };
  return delivery.state === "terminating" ? whileTerminating(heard, said, now) : whileWanted(heard, said, now);
}

/** Whether what was just said of the desired object is that it works, for the first time. */
function isFirstHealthy({ state, healthyAt, health }: Delivery): boolean {
  return healthyAt === undefined && state === "applied" && health?.status === "healthy";
}

/** Whether removals wait for a person's word about the agent. */
export function isHeld({ reason }: { readonly reason?: string }): boolean {
  return reason === PRUNE_HELD;
}

/** Whether the agent is told that a person allowed this very stack's removal. */
export function isApproved({ reason, approvedRevision }: Pick<Delivery, "reason" | "approvedRevision">): boolean {
  return waitsForPerson({ reason }) && approvedRevision !== undefined;
}

function appliedAfter({ appliedObjectId }: Delivery, state: Report["state"], objectId: string): string | undefined {
  if (state === "applied") return objectId;
  return state === "removed" && appliedObjectId === objectId ? undefined : appliedObjectId;
}

/** A removal may be looked at once more, and what came back be named. */
function whenRemoved(delivery: Delivery, report: Report, now: Date): Delivery {
  if (report.state !== "removed" || !report.results?.length) return delivery;
  return { ...delivery, message: messageOf(report), observedAt: now };
}

/** What is said no more of what is gone. */
const GONE: Partial<Delivery> = {
  appliedObjectId: undefined,
  health: undefined,
  healthyAt: undefined,
  unhealthySince: undefined,
  objects: undefined,
  yielded: undefined,
};

/** A report that says more than health. */
type StateReport = Report & Required<Pick<Report, "state">>;

function whileTerminating(delivery: Delivery, report: StateReport, now: Date): Delivery {
  if (report.state === "removed") {
    return { ...delivery, ...verdict(delivery, report, now), ...GONE, state: "removed" };
  }
  if (report.state !== "failed" && report.state !== "blocked") return delivery;
  return { ...delivery, ...verdict(delivery, report, now) };
}

function whileWanted(delivery: Delivery, report: StateReport, now: Date): Delivery {
  if (isHeldReport(report) && report.objectId === undefined) return delivery;
  const seen = { firstSeenAt: delivery.firstSeenAt ?? now, deliveredAt: delivery.deliveredAt ?? now };
  const known = { ...delivery, ...seen, ...verdict(delivery, report, now) };
  if (report.state === "applying" && waitsForPerson(delivery)) {
    return { ...known, ...heldStill(delivery), state: "applying" };
  }
  if (report.state === "removed") {
    return { ...known, ...GONE, appliedAt: undefined, state: "pending" };
  }
  if (report.state === "applied") return { ...known, state: "applied", appliedAt: delivery.appliedAt ?? now };
  return { ...known, state: report.state };
}

/**
 * Whether it stops a removal until a person's word. Without an object it is one of a whole stack: of a delivery that is
 * wanted, it was sent before the agent knew that.
 */
function isHeldReport({ state, reason }: StateReport): boolean {
  return state === "blocked" && waitsForPerson({ reason });
}

function waitsForPerson({ reason }: Pick<Delivery, "reason">): boolean {
  return reason === PRUNE_HELD || reason === NAMESPACE_NOT_EMPTY;
}

/** What is tried again waits for that person still, who may approve it meanwhile. */
function heldStill({ reason, message, heldRevision, approvedRevision }: Delivery): Partial<Delivery> {
  return { reason, message, heldRevision, approvedRevision };
}

/** What a guard holds at another revision is something else; what fills a namespace may only have become less. */
function isHeldAsBefore({ reason, heldRevision }: Delivery, report: StateReport): boolean {
  if (report.reason !== reason) return false;
  return reason === NAMESPACE_NOT_EMPTY || (reason === PRUNE_HELD && heldRevision === report.revision);
}

function verdict(delivery: Delivery, report: StateReport, now: Date): Partial<Delivery> {
  const { attempts, approvedRevision } = delivery;
  const { reason, nextRetryAt } = report;
  const counted = report.state === "failed" || report.state === "blocked" ? attempts + 1 : attempts;
  return {
    reason,
    message: messageOf(report),
    heldRevision: isHeldReport(report) ? report.revision : undefined,
    approvedRevision: isHeldAsBefore(delivery, report) ? approvedRevision : undefined,
    attempts: report.attempts ?? counted,
    nextRetryAt,
    observedAt: now,
    traceId: report.traceId,
    ...condition(delivery, report),
  };
}

/** What is said of it besides its state; what a report leaves out stays, and so does a health that was seen later. */
function condition(
  delivery: Delivery,
  { health, yielded, results }: Report,
): Pick<Delivery, "health" | "yielded" | "objects"> {
  const isLater = health !== undefined && !(delivery.health && delivery.health.at > health.at);
  return {
    health: isLater ? health : delivery.health,
    yielded: yielded ?? delivery.yielded,
    objects: results === undefined ? delivery.objects : countObjects(results),
  };
}
