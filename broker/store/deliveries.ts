import type { Sql, SqlFragment, Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { HealthStatus, YieldedField } from "$lib/wire/event.ts";
import { afterReport, type Delivery, type DeliveryState, isApproved, isHeld, type Report } from "../domain/delivery.ts";
import type { AgentEvent, ReportOutcome } from "../domain/delivery.ts";
import { observeChange, type ObserveDelivery } from "../domain/delivery_times.ts";
import { eventOf, isGoneAlready } from "../domain/report.ts";
import { packResults, unpackResults } from "../domain/results.ts";
import { addEvent, findEvent, findSameEvent, type NewEvent } from "./agent_events.ts";
import { lockAgent } from "./changes.ts";
import { objectNotFound } from "./deployment_objects.ts";
import type { Handle } from "./handle.ts";
import type { DeliveryStore } from "./mod.ts";
import { endApprovals } from "./settling.ts";

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
  readonly approved_revision: number | null;
  readonly desired_at: Date;
  readonly delivered_at: Date | null;
  readonly applied_at: Date | null;
  readonly observed_at: Date;
  readonly next_retry_at: Date | null;
  readonly health: HealthStatus | null;
  readonly health_reason: string | null;
  readonly health_at: Date | null;
  readonly yielded: readonly YieldedField[] | null;
  readonly last_boot_id: string | null;
  readonly last_seq: number | null;
  readonly now: Date;
}

/** Reports of {@linkcode DeliveryStore}. */
export function reportStore({ transaction, notices }: Handle, observe: ObserveDelivery): Pick<DeliveryStore, "report"> {
  return {
    report: (report) =>
      transaction((tx) => takeReport(tx, report), ({ change }) => {
        if (change === undefined) return;
        observeChange(change, observe);
        if (change.isNotified) notices.agentsChanged([report.agentId]);
      }),
  };
}

/** The rest of {@linkcode DeliveryStore}, over the table `deliveries`. */
export function deliveryStore({ sql }: Handle): Omit<DeliveryStore, "report"> {
  return {
    find: (agentId, stackId) => findDelivery(sql, { agentId, stackId }),
    async findResults(agentId, stackId) {
      const [row] = await sql<{ packed: string }>`
        select encode(results, 'base64') as packed from deliveries
        where agent_id = ${agentId} and stack_id = ${stackId} and results is not null`;
      return row === undefined ? undefined : await unpackResults(Uint8Array.fromBase64(row.packed));
    },
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
  const heard = await findHeard(tx, pair, report);
  const delivery = heard?.delivery;
  if (isGoneAlready(report, delivery)) return { event: await findEvent(tx, report) };
  if (delivery === undefined) await mustBeAssociated(tx, pair);
  const objectId = report.objectId ?? delivery?.desiredObjectId;
  if (objectId === undefined) throw objectNotFound("of the stack's delivery");
  const kind = eventOf(report, delivery);
  const event = kind && await keptEvent(tx, report, { objectId, ...kind });
  if (kind !== undefined && event === undefined) return { event: await findEvent(tx, report) };
  const change = heard && await changeDelivery(tx, heard, report);
  return { event, change };
}

async function keptEvent(tx: Sql, report: Report, event: NewEvent): Promise<AgentEvent | undefined> {
  return await findSameEvent(tx, report, event) ?? await addEvent(tx, report, event);
}

interface Pair {
  readonly agentId: string;
  readonly stackId: string;
}

async function stackOf(tx: Sql, report: Report): Promise<string> {
  const { objectId, stackId } = report;
  if (objectId === undefined) return stackId ?? "";
  const [row] = await tx<{ stack_id: string }>`select stack_id from deployment_objects where id = ${objectId}`;
  if (row === undefined && stackId !== undefined && isGoneAlready(report, undefined)) return stackId;
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

/** Only an end of the removal, of its being held or of an approval can change what the agent's snapshot says. */
async function changeDelivery(tx: Transaction, heard: HeardDelivery, report: Report): Promise<ReportOutcome["change"]> {
  const { delivery: before, now } = heard;
  if (isOvertaken(heard, report)) return undefined;
  const after = afterReport(before, report, now);
  if (after === before) {
    await noteReport(tx, before, report);
    return undefined;
  }
  await writeDelivery(tx, after, report);
  const isEnd = before.state !== "removed" && after.state === "removed";
  const isNotified = isEnd || isApproved(before) !== isApproved(after);
  if (isNotified) await tx`update agents set revision = revision + 1 where id = ${after.agentId}`;
  const approvals = isEnd || isHeld(before) ? await endApprovals(tx, [after.agentId]) : [];
  if (after.observedAt !== before.observedAt) await writeResults(tx, before, report);
  return { before, after, isNotified: isNotified || approvals.length > 0 };
}

/** A delivery and which report it last heard; both as of the transaction's time. */
interface HeardDelivery {
  readonly delivery: Delivery;
  /** Whether an event says something later of the same start: a broker of 0.10.0, which notes nothing else, heard it. */
  readonly hasLaterEvent: boolean;
  readonly bootId: string | undefined;
  readonly seq: number | undefined;
  readonly now: Date;
}

/** Whether the same start of the agent has said this, or something later, of the same stack. */
function isOvertaken({ bootId, seq, hasLaterEvent }: HeardDelivery, report: Report): boolean {
  return hasLaterEvent || bootId !== undefined && bootId === report.bootId && (seq ?? 0) >= (report.seq ?? Infinity);
}

async function noteReport(tx: Sql, { agentId, stackId }: Pair, { bootId, seq }: Report): Promise<void> {
  if (bootId === undefined || seq === undefined) return;
  await tx`
    update deliveries set last_boot_id = ${bootId}, last_seq = ${seq}
    where agent_id = ${agentId} and stack_id = ${stackId}`;
}

async function findHeard(
  tx: Sql,
  { agentId, stackId }: Pair,
  { bootId: reportedBy, seq: reported }: Report,
): Promise<HeardDelivery | undefined> {
  const laterEvent = tx.fragment`
    select from agent_events event
    cross join lateral (
      select stack_id from deployment_objects where id = event.deployment_object_id offset 0
    ) object
    where event.agent_id = ${agentId} and event.boot_id = ${reportedBy ?? null}::uuid
      and event.seq > ${reported ?? null}::bigint and object.stack_id = ${stackId}`;
  const [row] = await tx<DeliveryRow & { has_later_event: boolean }>`
    select ${deliveryColumns(tx)}, exists (${laterEvent}) as has_later_event
    from deliveries where agent_id = ${agentId} and stack_id = ${stackId}`;
  if (row === undefined) return undefined;
  const { last_boot_id: bootId, last_seq: seq, has_later_event: hasLaterEvent, now } = row;
  return { delivery: toDelivery(row), bootId: bootId ?? undefined, seq: seq ?? undefined, hasLaterEvent, now };
}

async function findDelivery(sql: Sql, { agentId, stackId }: Pair): Promise<Delivery | undefined> {
  const [row] = await sql<DeliveryRow>`
    select ${deliveryColumns(sql)} from deliveries where agent_id = ${agentId} and stack_id = ${stackId}`;
  return row === undefined ? undefined : toDelivery(row);
}

function deliveryColumns(sql: Sql): SqlFragment {
  return sql.fragment`
    agent_id, stack_id, desired_object_id, applied_object_id, state, reason, message, attempts, first_seen_at,
    held_revision, approved_revision, desired_at, delivered_at, applied_at, observed_at, next_retry_at,
    health, health_reason, health_at, yielded, last_boot_id, last_seq, now() as now`;
}

/** Writes what a report can change; of `yielded`, which may be long, nothing while it stays as it is. */
async function writeDelivery(tx: Sql, delivery: Delivery, { bootId, seq }: Report): Promise<void> {
  const yielded = delivery.yielded === undefined ? null : tx.json(delivery.yielded);
  await tx`
    update deliveries set
      applied_object_id = ${delivery.appliedObjectId ?? null},
      state = ${delivery.state},
      reason = ${delivery.reason ?? null},
      message = ${delivery.message ?? null},
      attempts = ${delivery.attempts},
      first_seen_at = ${delivery.firstSeenAt ?? null},
      held_revision = ${delivery.heldRevision ?? null},
      approved_revision = ${delivery.approvedRevision ?? null},
      delivered_at = ${delivery.deliveredAt ?? null},
      applied_at = ${delivery.appliedAt ?? null},
      observed_at = ${delivery.observedAt},
      next_retry_at = ${delivery.nextRetryAt ?? null},
      last_boot_id = coalesce(${bootId ?? null}, last_boot_id),
      last_seq = case when ${bootId ?? null}::uuid is null then last_seq else ${seq ?? null} end,
      health = ${delivery.health?.status ?? null},
      health_reason = ${delivery.health?.reason ?? null},
      health_at = ${delivery.health?.at ?? null},
      yielded = case when yielded is distinct from ${yielded} then ${yielded} else yielded end,
      updated_at = now()
    where agent_id = ${delivery.agentId} and stack_id = ${delivery.stackId}`;
}

/** Keeps what a report says of single objects. The same again is not written: it may be long, and come each minute. */
async function writeResults(tx: Sql, { agentId, stackId }: Pair, { results, warnings = [] }: Report): Promise<void> {
  if (results === undefined) return;
  const packed = (await packResults(results, warnings)).toBase64();
  await tx`
    update deliveries set results = decode(${packed}, 'base64')
    where agent_id = ${agentId} and stack_id = ${stackId} and results is distinct from decode(${packed}, 'base64')`;
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
    approvedRevision: row.approved_revision ?? undefined,
    health: toHealth(row),
    yielded: row.yielded ?? undefined,
  };
}

function toHealth({ health: status, health_reason: reason, health_at: at }: DeliveryRow): Delivery["health"] {
  return status === null || at === null ? undefined : { status, reason: reason ?? undefined, at };
}
