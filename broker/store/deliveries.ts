import type { Sql, Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import { afterReport, type Delivery, type DeliveryState, isHeld, type Report } from "../domain/delivery.ts";
import type { ReportOutcome } from "../domain/delivery.ts";
import { observeChange, type ObserveDelivery } from "../domain/delivery_times.ts";
import { CHANGES, writeNotice } from "../domain/notice.ts";
import { eventOf } from "../domain/report.ts";
import { addEvent, findEvent } from "./agent_events.ts";
import { lockAgent, reporting } from "./changes.ts";
import { objectNotFound } from "./deployment_objects.ts";
import type { Handle } from "./handle.ts";
import type { DeliveryStore } from "./mod.ts";

interface DeliveryRow {
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
  readonly desired_at: Date;
  readonly delivered_at: Date | null;
  readonly applied_at: Date | null;
  readonly observed_at: Date;
  readonly next_retry_at: Date | null;
}

/** {@linkcode DeliveryStore} over the table `deliveries`. */
export function deliveryStore({ sql, transaction }: Handle, observe: ObserveDelivery): DeliveryStore {
  return {
    find: (agentId, stackId) => findDelivery(sql, { agentId, stackId }),
    report: (report) =>
      transaction((tx) => takeReport(tx, report), ({ change }) => {
        if (change !== undefined) observeChange(change, observe);
      }),
    async purge(max) {
      const rows = await sql`
        delete from deliveries where id in (
          select id from deliveries where state = 'removed' and observed_at < now() - interval '1 day'
          limit ${max} for update skip locked)
        returning id`;
      return rows.length;
    },
  };
}

async function takeReport(tx: Transaction, report: Report): Promise<ReportOutcome> {
  await lockAgent(tx, report.agentId);
  const pair = { agentId: report.agentId, stackId: await stackOf(tx, report) };
  const delivery = await findDelivery(tx, pair);
  if (delivery === undefined) await mustBeAssociated(tx, pair);
  const objectId = report.objectId ?? delivery?.desiredObjectId;
  if (objectId === undefined) throw objectNotFound("of the stack's delivery");
  const kind = eventOf(report, delivery);
  const event = kind && await addEvent(tx, report, { objectId, ...kind });
  if (kind !== undefined && event === undefined) return { event: await findEvent(tx, report) };
  const change = delivery && await changeDelivery(tx, delivery, report);
  return { event, change };
}

interface Pair {
  readonly agentId: string;
  readonly stackId: string;
}

async function stackOf(tx: Sql, { objectId, stackId }: Report): Promise<string> {
  if (objectId === undefined) return stackId ?? "";
  const [row] = await tx<{ stack_id: string }>`select stack_id from deployment_objects where id = ${objectId}`;
  if (row === undefined) throw objectNotFound(objectId);
  if (stackId === undefined || stackId === row.stack_id) return row.stack_id;
  throw new Failure("stack_id_mismatch", `Cannot take the report: object "${objectId}" is not of stack "${stackId}"`);
}

async function mustBeAssociated(tx: Sql, { agentId, stackId }: Pair): Promise<void> {
  const rows = await tx`
    select stack_id from associations where agent_id = ${agentId} and stack_id = ${stackId} limit 1`;
  if (rows.length > 0) return;
  throw new Failure(
    "agent_not_associated",
    `Cannot take the report: agent "${agentId}" has nothing to do with stack "${stackId}"`,
  );
}

/** Only an end of the removal or of its being held can change what the agent's snapshot says. */
async function changeDelivery(tx: Transaction, before: Delivery, report: Report): Promise<ReportOutcome["change"]> {
  const { now, is_overtaken: isOvertaken } = await circumstances(tx, before, report);
  const after = isOvertaken ? before : afterReport(before, report, now);
  if (after === before) return undefined;
  const concernsSnapshot = after.state !== before.state && after.state === "removed" || isHeld(before);
  if (concernsSnapshot) await reporting(tx, before, () => writeDelivery(tx, after));
  else await writeDelivery(tx, after);
  await tx.notify(CHANGES, writeNotice(["deliveries"]));
  return { before, after };
}

interface Circumstances {
  readonly now: Date;
  readonly is_overtaken: boolean;
}

/** The transaction's time, and whether the same start of the agent has said something later of the same stack. */
async function circumstances(tx: Sql, { agentId, stackId }: Pair, { bootId, seq }: Report): Promise<Circumstances> {
  const [row] = await tx<Circumstances>`
    select now() as now, exists (
      select from agent_events event
      join deployment_objects object on object.id = event.deployment_object_id
      where event.agent_id = ${agentId} and event.boot_id = ${bootId ?? null} and event.seq > ${seq ?? null}
        and object.stack_id = ${stackId}
    ) as is_overtaken`;
  if (row === undefined) throw new Error("a select without a row");
  return row;
}

async function findDelivery(sql: Sql, { agentId, stackId }: Pair): Promise<Delivery | undefined> {
  const [row] = await sql<DeliveryRow>`
    select agent_id, stack_id, desired_object_id, applied_object_id, state, reason, message, attempts, first_seen_at,
      held_revision, desired_at, delivered_at, applied_at, observed_at, next_retry_at
    from deliveries where agent_id = ${agentId} and stack_id = ${stackId}`;
  return row === undefined ? undefined : toDelivery(row);
}

/** Writes what a report can change. */
async function writeDelivery(tx: Sql, delivery: Delivery): Promise<void> {
  await tx`
    update deliveries set
      applied_object_id = ${delivery.appliedObjectId ?? null},
      state = ${delivery.state},
      reason = ${delivery.reason ?? null},
      message = ${delivery.message ?? null},
      attempts = ${delivery.attempts},
      first_seen_at = ${delivery.firstSeenAt ?? null},
      held_revision = ${delivery.heldRevision ?? null},
      delivered_at = ${delivery.deliveredAt ?? null},
      applied_at = ${delivery.appliedAt ?? null},
      observed_at = ${delivery.observedAt},
      next_retry_at = ${delivery.nextRetryAt ?? null},
      updated_at = now()
    where agent_id = ${delivery.agentId} and stack_id = ${delivery.stackId}`;
}

function toDelivery(row: DeliveryRow): Delivery {
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
  };
}
