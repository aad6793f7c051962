import type { Sql, SqlFragment } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { Page, Paging } from "./mod.ts";

/** How many of a long list come when nobody says. */
export const DEFAULT_LIMIT = 100;

/** A row with its place in the order of (created_at, id), to the microsecond. */
export interface Positioned {
  readonly id: string;
  readonly position: string;
}

/** The pieces of a statement that reads one page of what has `created_at` and `id`. */
export interface PageClauses {
  /** The column `position`. */
  readonly position: SqlFragment;
  /** Starts with `and`, or is empty. */
  readonly after: SqlFragment;
  /** One row more than asked for, which tells whether there is another page. */
  readonly limit: SqlFragment;
}

/** Which way a list goes. */
export type Direction = "oldest first" | "newest first";

/**
 * What a statement needs to read one page.
 *
 * @throws {Failure} `invalid_parameters` for a cursor that no page gave.
 */
export function pageClauses(sql: Sql, paging: Paging, direction: Direction = "oldest first"): PageClauses {
  const cursor = readCursor(paging);
  return {
    position: sql.fragment`to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position`,
    after: cursor === undefined ? sql.fragment`` : afterCursor(sql, cursor, direction),
    limit: limitClause(sql, paging),
  };
}

/** The limit of a page, one row more than asked for. */
export function limitClause(sql: Sql, paging: Paging): SqlFragment {
  const limit = limitOf(paging);
  return limit === undefined ? sql.fragment`` : sql.fragment`limit ${limit + 1}`;
}

/** The page that `rows`, read with {@linkcode pageClauses}, make. */
export function toPage<Row extends Positioned, T>(
  rows: readonly Row[],
  paging: Paging,
  read: (row: Row) => T,
): Page<T> {
  const limit = limitOf(paging);
  const shown = limit === undefined ? rows : rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(read);
  return last === undefined || shown.length === rows.length ? { items } : { items, next: writeCursor(last) };
}

/** Who asks for what comes after a page gets a page, and not all the rest. */
function limitOf({ limit, cursor }: Paging): number | undefined {
  return limit ?? (cursor === undefined ? undefined : DEFAULT_LIMIT);
}

/** Where a page ended. */
export type Cursor = Positioned;

/**
 * Reads the cursor of `paging`, if it has one.
 *
 * @throws {Failure} `invalid_parameters` for one that no page gave.
 */
export function readCursor({ cursor }: Paging): Cursor | undefined {
  if (cursor === undefined) return undefined;
  const [, position, id] = CURSOR.exec(decodeCursor(cursor)) ?? [];
  if (position !== undefined && id !== undefined) return { position, id };
  throw badCursor();
}

/** The failure of a cursor that no page gave. */
export function badCursor(): Failure {
  return new Failure("invalid_parameters", "Cannot read the list: its cursor is not one that a page gave");
}

const CURSOR = /^([\dTZ:.-]+)\|([0-9a-f-]{36})$/;

/** The text of a cursor; empty where no page gave it. */
export function decodeCursor(cursor: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(cursor, { alphabet: "base64url" }));
  } catch {
    return "";
  }
}

function afterCursor(sql: Sql, { position, id }: Cursor, direction: Direction): SqlFragment {
  return direction === "oldest first"
    ? sql.fragment`and (created_at, id) > (${position}::text::timestamptz, ${id}::uuid)`
    : sql.fragment`and (created_at, id) < (${position}::text::timestamptz, ${id}::uuid)`;
}

function writeCursor({ position, id }: Cursor): string {
  return encodeCursor(`${position}|${id}`);
}

/** A text that says where a page ended, as clients hand it back. */
export function encodeCursor(text: string): string {
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
}
