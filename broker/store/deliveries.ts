import type { Sql, SqlFragment } from "$lib/database.ts";
import type { HealthStatus, YieldedField } from "$lib/wire/event.ts";
import type { Delivery, DeliveryState } from "../domain/delivery.ts";
import { unpackResults } from "../domain/results.ts";
import type { Handle } from "./handle.ts";
import type { DeliveryStore } from "./mod.ts";

/** A row as {@linkcode deliveryColumns} read it. */
export interface DeliveryRow {
  readonly agent_id: string;
  readonly stack_id: string;
  readonly desired_object_id: string;
  readonly applied_object_id: string | null;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly message: string | null;
  readonly attempts: number;
  readonly first_seen_at: Date | null;
  readonly held_revision: number | null;
  readonly approved_revision: number | null;
  readonly desired_at: Date;
  readonly delivered_at: Date | null;
  readonly applied_at: Date | null;
  readonly observed_at: Date;
  readonly next_retry_at: Date | null;
  readonly health: HealthStatus | null;
  readonly health_reason: string | null;
  readonly health_at: Date | null;
  readonly healthy_at: Date | null;
  readonly unhealthy_since: Date | null;
  readonly objects_healthy: number | null;
  readonly objects_progressing: number | null;
  readonly objects_degraded: number | null;
  readonly objects_unknown: number | null;
  readonly yielded: readonly YieldedField[] | null;
  readonly last_boot_id: string | null;
  readonly last_seq: number | null;
  readonly traceparent: string | null;
  readonly trace_id: string | null;
  readonly now: Date;
}

/** {@linkcode DeliveryStore} over the table `deliveries`, but for reports and lists. */
export function deliveryStore({ sql }: Handle): Omit<DeliveryStore, "report" | "get" | "list"> {
  return {
    async find(agentId, stackId) {
      const [row] = await sql<DeliveryRow>`
        select ${deliveryColumns(sql)} from deliveries where agent_id = ${agentId} and stack_id = ${stackId}`;
      return row === undefined ? undefined : toDelivery(row);
    },
    async findResults(agentId, stackId) {
      const [row] = await sql<{ packed: string }>`
        select encode(results, 'base64') as packed from deliveries
        where agent_id = ${agentId} and stack_id = ${stackId} and results is not null`;
      return row === undefined ? undefined : await unpackResults(Uint8Array.fromBase64(row.packed));
    },
    async purge(max) {
      const rows = await sql`
        delete from deliveries where id in (
          select delivery.id from deliveries delivery join agents agent on agent.id = delivery.agent_id
          where delivery.state = 'removed' and delivery.observed_at < now() - interval '1 day'
          limit ${max} for update of delivery skip locked for no key update of agent skip locked)
        returning id`;
      return rows.length;
    },
  };
}

/** What is read of deliveries, and the time of the transaction. */
export function deliveryColumns(sql: Sql): SqlFragment {
  return sql.fragment`
    agent_id, stack_id, desired_object_id, applied_object_id, state, reason, message, attempts, first_seen_at,
    held_revision, approved_revision, desired_at, delivered_at, applied_at, observed_at, next_retry_at,
    health, health_reason, health_at, healthy_at, unhealthy_since, objects_healthy, objects_progressing,
    objects_degraded, objects_unknown, yielded, last_boot_id, last_seq, traceparent, trace_id, now() as now`;
}

/** Reads a row. */
export function toDelivery(row: DeliveryRow): Delivery {
  return {
    agentId: row.agent_id,
    stackId: row.stack_id,
    desiredObjectId: row.desired_object_id,
    appliedObjectId: row.applied_object_id ?? undefined,
    state: row.state,
    reason: row.reason ?? undefined,
    message: row.message ?? undefined,
    attempts: row.attempts,
    firstSeenAt: row.first_seen_at ?? undefined,
    heldRevision: row.held_revision ?? undefined,
    desiredAt: row.desired_at,
    deliveredAt: row.delivered_at ?? undefined,
    appliedAt: row.applied_at ?? undefined,
    observedAt: row.observed_at,
    nextRetryAt: row.next_retry_at ?? undefined,
    approvedRevision: row.approved_revision ?? undefined,
    health: toHealth(row),
    healthyAt: toHealthyAt(row),
    unhealthySince: row.unhealthy_since ?? undefined,
    objects: toObjectCounts(row),
    yielded: row.yielded ?? undefined,
    traceparent: row.traceparent ?? undefined,
    traceId: row.trace_id ?? undefined,
  };
}

function toHealth({ health: status, health_reason: reason, health_at: at }: DeliveryRow): Delivery["health"] {
  return status === null || at === null ? undefined : { status, reason: reason ?? undefined, at };
}

/** What is before the object was desired is of another: a broker of 0.10.0 leaves it as it is. */
function toHealthyAt({ healthy_at: at, desired_at: desiredAt }: DeliveryRow): Date | undefined {
  return at === null || at < desiredAt ? undefined : at;
}

function toObjectCounts(row: DeliveryRow): Delivery["objects"] {
  const { objects_healthy: healthy, objects_progressing, objects_degraded, objects_unknown } = row;
  if (healthy === null) return undefined;
  return {
    healthy,
    progressing: objects_progressing ?? 0,
    degraded: objects_degraded ?? 0,
    unknown: objects_unknown ?? 0,
  };
}
