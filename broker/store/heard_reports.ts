import type { Sql, SqlFragment } from "$lib/database.ts";
import type { Delivery, Report } from "../domain/delivery.ts";
import { packResults } from "../domain/results.ts";
import { deliveryColumns, type DeliveryRow, toDelivery } from "./deliveries.ts";

/** A report and what it is about, as of the transaction's time. */
export interface Heard {
  readonly report: Report;
  /** The stack of the object that it names. */
  readonly objectStackId: string | undefined;
  readonly delivery: Delivery | undefined;
  /** Of the delivery's row: whoever writes it makes it another. */
  readonly version: string | undefined;
  /** Whether the same start of the agent has said this, or something later, of the same stack. */
  readonly isOvertaken: boolean;
  readonly now: Date;
}

type HeardRow = { readonly [Column in keyof DeliveryRow]: DeliveryRow[Column] | null } & {
  readonly now: Date;
  readonly object_stack_id: string | null;
  readonly version: string | null;
  readonly has_later_event: boolean;
};

/** Of a row of `deliveries`: no write of it leaves it as it was, neither another's nor one of the same transaction. */
export function rowVersion(sql: Sql): SqlFragment {
  return sql.fragment`(deliveries.xmin::text || deliveries.ctid::text)`;
}

/** What reports are about, of each at its place. */
export async function findHeard(sql: Sql, reports: readonly Report[]): Promise<readonly Heard[]> {
  if (reports.length === 0) return [];
  const column = <T>(of: (report: Report) => T) => reports.map(of);
  const rows = await sql<HeardRow>`
    select object_stack_id, ${deliveryColumns(sql)}, version, later.is_later is not null as has_later_event
    from unnest(
      ${column(({ agentId }) => agentId)}::uuid[], ${column(({ objectId }) => objectId ?? null)}::uuid[],
      ${column(({ stackId }) => stackId ?? null)}::uuid[], ${column(({ bootId }) => bootId ?? null)}::uuid[],
      ${column(({ seq }) => seq ?? null)}::bigint[]
    ) with ordinality as said (reporter_id, object_id, about_stack_id, boot_id, seq, place)
    left join lateral (
      select stack_id as object_stack_id from deployment_objects where id = said.object_id offset 0
    ) object on true
    left join lateral (
      select ${deliveryColumns(sql)}, ${rowVersion(sql)} as version from deliveries
      where agent_id = said.reporter_id and stack_id = coalesce(object_stack_id, said.about_stack_id) offset 0
    ) delivery on true
    left join lateral (
      select true as is_later from agent_events event
      cross join lateral (
        select stack_id from deployment_objects where id = event.deployment_object_id offset 0
      ) object
      where event.agent_id = said.reporter_id and event.boot_id = said.boot_id and event.seq > said.seq
        and object.stack_id = delivery.stack_id
      limit 1
    ) later on true
    order by said.place`;
  return reports.flatMap((report, index) => {
    const row = rows[index];
    return row === undefined ? [] : [toHeard(report, row)];
  });
}

/** A later event is noted by a broker of 0.10.0, which notes nothing else. */
function toHeard(report: Report, row: HeardRow): Heard {
  const { object_stack_id, has_later_event, last_boot_id, last_seq, now } = row;
  const isSameStart = last_boot_id !== null && last_boot_id === report.bootId;
  return {
    report,
    objectStackId: object_stack_id ?? undefined,
    delivery: isDelivery(row) ? toDelivery(row) : undefined,
    version: row.version ?? undefined,
    isOvertaken: has_later_event || isSameStart && (last_seq ?? 0) >= (report.seq ?? Infinity),
    now,
  };
}

function isDelivery(row: HeardRow): row is HeardRow & DeliveryRow {
  return row.stack_id !== null;
}

/** A report, and what it makes of its delivery. */
export interface Move {
  readonly report: Report;
  readonly before: Delivery;
  readonly after: Delivery;
}

/** A move with what it says of single objects as base64; without it, that stays. */
export interface PackedMove extends Move {
  readonly packed?: string | undefined;
}

/** Packs what moves say of single objects: before they are written, for what goes to the database has an order. */
export async function packed(moves: readonly Move[]): Promise<readonly PackedMove[]> {
  return await Promise.all(moves.map(async (move): Promise<PackedMove> => {
    const { report: { results, warnings = [] }, before, after } = move;
    if (results === undefined || after.observedAt === before.observedAt) return move;
    return { ...move, packed: (await packResults(results, warnings)).toBase64() };
  }));
}

/** Notes that reports were heard which say nothing new. */
export async function noteReports(sql: Sql, moves: readonly Move[]): Promise<void> {
  const numbered = moves.filter(({ report: { bootId, seq } }) => bootId !== undefined && seq !== undefined);
  if (numbered.length === 0) return;
  const column = <T>(of: (move: Move) => T) => numbered.map(of);
  await sql`
    update deliveries set last_boot_id = said.boot_id, last_seq = said.seq
    from unnest(
      ${column(({ after }) => after.agentId)}::uuid[], ${column(({ after }) => after.stackId)}::uuid[],
      ${column(({ report }) => report.bootId ?? null)}::uuid[], ${column(({ report }) => report.seq ?? null)}::bigint[]
    ) as said (agent_id, stack_id, boot_id, seq)
    where deliveries.agent_id = said.agent_id and deliveries.stack_id = said.stack_id`;
}

/** What was written of deliveries: the versions of their rows by agent, at most one of each. */
export type Versions = ReadonlyMap<string, string>;

/**
 * Writes what reports can change, at most one delivery of each agent; of the fields that may be long, nothing while
 * they stay.
 *
 * @param options.versions Those that rows must still have, by agent: rows that somebody else wrote or holds, and those
 * of agents that somebody holds, stay as they are. Without it the caller holds them.
 */
export async function writeDeliveries(
  sql: Sql,
  moves: readonly PackedMove[],
  { versions }: { readonly versions?: Versions } = {},
): Promise<Versions> {
  if (moves.length === 0) return new Map();
  const of = <T>(value: (delivery: Delivery) => T | undefined) => moves.map(({ after }) => value(after) ?? null);
  const at = (value: (delivery: Delivery) => Date | undefined) => of((delivery) => value(delivery)?.toISOString());
  const said = <T>(value: (report: Report) => T | undefined) => moves.map(({ report }) => value(report) ?? null);
  const rows = await sql<{ agent_id: string; version: string }>`
    update deliveries set
      applied_object_id = said.applied_object_id,
      state = said.state,
      reason = said.reason,
      message = said.message,
      attempts = said.attempts,
      first_seen_at = said.first_seen_at,
      held_revision = said.held_revision,
      approved_revision = said.approved_revision,
      delivered_at = said.delivered_at,
      applied_at = said.applied_at,
      observed_at = said.observed_at,
      next_retry_at = said.next_retry_at,
      last_boot_id = coalesce(said.boot_id, last_boot_id),
      last_seq = case when said.boot_id is null then last_seq else said.seq end,
      health = said.health,
      health_reason = said.health_reason,
      health_at = said.health_at,
      healthy_at = said.healthy_at,
      unhealthy_since = said.unhealthy_since,
      objects_healthy = said.objects_healthy,
      objects_progressing = said.objects_progressing,
      objects_degraded = said.objects_degraded,
      objects_unknown = said.objects_unknown,
      trace_id = said.trace_id,
      yielded = case
        when deliveries.yielded is distinct from said.yielded then said.yielded else deliveries.yielded end,
      results = case
        when deliveries.results is distinct from coalesce(decode(said.packed, 'base64'), deliveries.results)
          then decode(said.packed, 'base64') else deliveries.results end,
      updated_at = now()
    from unnest(
      ${of(({ agentId }) => agentId)}::uuid[], ${of(({ stackId }) => stackId)}::uuid[],
      ${of(({ appliedObjectId }) => appliedObjectId)}::uuid[], ${of(({ state }) => state)}::text[],
      ${of(({ reason }) => reason)}::text[], ${of(({ message }) => message)}::text[],
      ${of(({ attempts }) => attempts)}::integer[], ${at(({ firstSeenAt }) => firstSeenAt)}::timestamptz[],
      ${of(({ heldRevision }) => heldRevision)}::bigint[], ${of(({ approvedRevision }) => approvedRevision)}::bigint[],
      ${at(({ deliveredAt }) => deliveredAt)}::timestamptz[], ${at(({ appliedAt }) => appliedAt)}::timestamptz[],
      ${at(({ observedAt }) => observedAt)}::timestamptz[], ${at(({ nextRetryAt }) => nextRetryAt)}::timestamptz[],
      ${said(({ bootId }) => bootId)}::uuid[], ${said(({ seq }) => seq)}::bigint[],
      ${of(({ health }) => health?.status)}::text[], ${of(({ health }) => health?.reason)}::text[],
      ${at(({ health }) => health?.at)}::timestamptz[], ${at(({ healthyAt }) => healthyAt)}::timestamptz[],
      ${at(({ unhealthySince }) => unhealthySince)}::timestamptz[],
      ${of(({ objects }) => objects?.healthy)}::integer[], ${of(({ objects }) => objects?.progressing)}::integer[],
      ${of(({ objects }) => objects?.degraded)}::integer[], ${of(({ objects }) => objects?.unknown)}::integer[],
      ${of(({ yielded }) => yielded && JSON.stringify(yielded))}::jsonb[], ${of(({ traceId }) => traceId)}::text[],
      ${moves.map(({ packed }) => packed ?? null)}::text[],
      ${moves.map(({ report }) => versions?.get(report.agentId) ?? null)}::text[]
    ) as said (
      agent_id, stack_id, applied_object_id, state, reason, message, attempts, first_seen_at, held_revision,
      approved_revision, delivered_at, applied_at, observed_at, next_retry_at, boot_id, seq, health, health_reason,
      health_at, healthy_at, unhealthy_since, objects_healthy, objects_progressing, objects_degraded, objects_unknown,
      yielded, trace_id, packed, version
    ) ${versions === undefined ? sql.fragment`` : holding(sql)}
    where deliveries.agent_id = said.agent_id and deliveries.stack_id = said.stack_id
    returning deliveries.agent_id, ${rowVersion(sql)} as version`;
  return new Map(rows.map(({ agent_id, version }) => [agent_id, version]));
}

/** Holds the agent, as whoever writes deliveries does, and the delivery, where both are free and it is what it was. */
function holding(sql: Sql): SqlFragment {
  return sql.fragment`
    cross join lateral (
      select from agents where id = said.agent_id and deleted_at is null for no key update skip locked
    ) agent
    cross join lateral (
      select from deliveries
      where agent_id = said.agent_id and stack_id = said.stack_id and ${rowVersion(sql)} = said.version
      for no key update skip locked
    ) free`;
}
