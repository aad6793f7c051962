import type { Sql, SqlFragment } from "$lib/database.ts";
import type { TraceHeaders } from "$lib/traceparent.ts";
import { type KeptTrace, traceOf } from "./traces.ts";

/** Whose desired state may change: one agent's, one stack's, or that of the pair. */
export type Scope =
  | { readonly agentId: string; readonly stackId?: string }
  | { readonly agentId?: undefined; readonly stackId: string };

/** What changed: what else than the deliveries themselves tells whether a snapshot says something else. */
export type WhatChanged = "object" | "policy" | "association" | "deletion";

/** A line to write. */
export interface NewLine {
  readonly what: WhatChanged;
  /** Of a stack's line the agents, of an agent's the stacks that were associated; absent where that can't change. */
  readonly before?: readonly string[] | undefined;
  readonly trace?: TraceHeaders | undefined;
}

/** A line of work: deliveries that are to be brought in line with what is desired now. */
export interface Line {
  readonly id: number;
  readonly scope: Scope;
  /** Of a stack's line: the agents up to this one are done. */
  readonly progress: string | undefined;
  /** The last line of the stack that this one does the work of as well; absent until it begins. */
  readonly covers: number | undefined;
  /** The span of the request that wrote this line; absent where that has none. */
  readonly trace: TraceHeaders | undefined;
  readonly createdAt: Date;
}

/** A line that is being worked on. */
export interface BegunLine extends Line {
  readonly covers: number;
  /** The span of the newest submission that this line does the work of; absent where that has none. */
  readonly submission: TraceHeaders | undefined;
  /** The span of the newest other change by which something may be removed; absent where that has none. */
  readonly removal: TraceHeaders | undefined;
}

interface LineRow {
  readonly id: number;
  readonly stack_id: string | null;
  readonly agent_id: string | null;
  readonly progress: string | null;
  readonly covers: number | null;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly created_at: Date;
}

/** Writes a line, in the transaction of the change itself. */
export async function addLine(tx: Sql, scope: Scope, { what, before, trace }: NewLine): Promise<Line> {
  const [row] = await tx<LineRow>`
    insert into settle_lines (stack_id, agent_id, what, before, traceparent, tracestate)
    values (
      ${scope.stackId ?? null}, ${scope.agentId ?? null}, ${what}, ${before ?? null}, ${trace?.traceparent ?? null},
      ${trace?.tracestate ?? null}
    )
    returning ${columns(tx)}`;
  if (row === undefined) throw new Error("an insert without a row");
  return toLine(row);
}

/** Writes a line for each of these stacks, which are about to be deleted. */
export async function addDeletionLines(
  tx: Sql,
  stackIds: readonly string[],
  trace: TraceHeaders | undefined,
): Promise<readonly Line[]> {
  const rows = await tx<LineRow>`
    insert into settle_lines (stack_id, what, before, traceparent, tracestate)
    select stack.id, 'deletion', array(select agent_id from associations where stack_id = stack.id),
      ${trace?.traceparent ?? null}, ${trace?.tracestate ?? null}
    from unnest(${stackIds}::uuid[]) as stack (id)
    returning ${columns(tx)}`;
  return rows.map(toLine);
}

/**
 * Holds the line that does the work of this one: of a stack the oldest, which covers those after it. Undefined when the
 * work is done.
 */
export async function holdLine(tx: Sql, { id, scope }: Line): Promise<Line | undefined> {
  const same = scope.agentId === undefined
    ? tx.fragment`stack_id = ${scope.stackId} and agent_id is null and id <= ${id}`
    : tx.fragment`id = ${id}`;
  const [row] = await tx<LineRow>`
    select ${columns(tx)} from settle_lines
    where ${same} order by id limit 1 for update`;
  return row === undefined ? undefined : toLine(row);
}

/**
 * Holds the oldest line that nobody holds, and that is none of `but`; of a stack's lines only the first is ever taken.
 */
export async function takeLine(tx: Sql, but: readonly number[]): Promise<Line | undefined> {
  const [row] = await tx<LineRow>`
    select ${columns(tx)} from settle_lines line
    where line.id <> all(${but}) and (line.agent_id is not null or not exists (
      select from settle_lines older
      where older.stack_id = line.stack_id and older.agent_id is null and older.id < line.id))
    order by id limit 1 for update skip locked`;
  return row === undefined ? undefined : toLine(row);
}

/**
 * Begins a held line: of a stack it covers every line that is there now, and overtakes them so. Whatever is read for
 * the work is read after this, or it would miss the changes of lines that end with it.
 */
export async function beginLine(tx: Sql, line: Line): Promise<BegunLine> {
  const { id, scope, trace } = line;
  if (scope.agentId !== undefined) return { ...line, covers: id, submission: undefined, removal: trace };
  return { ...line, ...await linesCovered(tx, line, scope.stackId) };
}

/** The object that was submitted last is what is delivered: the traces of those before it end here. */
async function linesCovered(
  tx: Sql,
  { id, covers }: Pick<Line, "id" | "covers">,
  stackId: string,
): Promise<Pick<BegunLine, "covers" | "submission" | "removal">> {
  const until = covers === undefined ? tx.fragment`` : tx.fragment`and id <= ${covers}`;
  const newest = (whats: readonly WhatChanged[]) =>
    tx.fragment`(
      array_agg(jsonb_build_object('traceparent', traceparent, 'tracestate', tracestate) order by id desc)
      filter (where what = any(${whats}))
    )[1]`;
  const [row] = await tx<{ covers: number | null; submission: KeptTrace | null; removal: KeptTrace | null }>`
    select max(id) as covers, ${newest(["object"])} as submission, ${newest(["association", "deletion"])} as removal
    from settle_lines where stack_id = ${stackId} and agent_id is null ${until}`;
  return {
    covers: row?.covers ?? id,
    submission: traceOf(row?.submission ?? {}),
    removal: traceOf(row?.removal ?? {}),
  };
}

/** Notes how far a held line is. */
export async function noteProgress(tx: Sql, { id, covers }: BegunLine, progress: string): Promise<void> {
  await tx`update settle_lines set covers = ${covers}, progress = ${progress} where id = ${id}`;
}

/**
 * Ends a held line with those that it covers, and with it the settling of its stack's objects.
 *
 * @returns For how long each submission waited, in seconds.
 */
export async function endLine(tx: Sql, { id, scope, covers }: BegunLine): Promise<readonly number[]> {
  const covered = scope.agentId === undefined
    ? tx.fragment`stack_id = ${scope.stackId} and agent_id is null and id <= ${covers}`
    : tx.fragment`id = ${id}`;
  const [rows] = await Promise.all([
    tx<{ what: WhatChanged; seconds: number }>`
      delete from settle_lines where ${covered}
      returning what, greatest(0, extract(epoch from clock_timestamp() - created_at))::double precision as seconds`,
    scope.agentId === undefined &&
    tx`update deployment_objects set settled_at = now() where stack_id = ${scope.stackId} and settled_at is null`,
  ]);
  return rows.filter(({ what }) => what === "object").map(({ seconds }) => seconds);
}

/** Writes lines for up to `max` stacks with objects that a broker of 0.10.0 took; returns how many. */
export async function addForgottenLines(tx: Sql, max: number): Promise<number> {
  const rows = await tx`
    insert into settle_lines (stack_id, what, created_at)
    select stack_id, 'object', min(submitted_at) from deployment_objects object
    where settled_at is null
      and not exists (select from settle_lines where stack_id = object.stack_id and agent_id is null)
    group by stack_id limit ${max}
    returning id`;
  return rows.length;
}

function toLine(row: LineRow): Line {
  const scope = row.agent_id === null
    ? { stackId: row.stack_id ?? "" }
    : { agentId: row.agent_id, stackId: row.stack_id ?? undefined };
  return {
    id: row.id,
    scope,
    progress: row.progress ?? undefined,
    covers: row.covers ?? undefined,
    trace: traceOf(row),
    createdAt: row.created_at,
  };
}

function columns(sql: Sql): SqlFragment {
  return sql.fragment`id, stack_id, agent_id, progress, covers, traceparent, tracestate, created_at`;
}
