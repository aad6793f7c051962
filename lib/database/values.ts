import type { SqlValue } from "$lib/database.ts";
import { isFragment } from "./operation.ts";

/** How one type of PostgreSQL crosses the wire as text; `to` and `from` are its object ids. */
export interface WireType {
  readonly to: number;
  readonly from: number[];
  serialize(value: unknown): unknown;
  parse(text: string): unknown;
}

const JSONB = 3802;
/** No type: the server infers it from the parameter's place. */
const INFERRED = 0;

/**
 * The scalar types that postgres.js would leave as text; beyond 2^53 they lose digits, and nothing here counts so far.
 */
const SCALARS: Readonly<Record<string, WireType>> = {
  int8: { to: 20, from: [20], serialize: String, parse: Number },
  numeric: { to: 1700, from: [1700], serialize: String, parse: Number },
};

/**
 * Arrays by the object ids of their types, which are the same on every server: postgres.js would ask each server for
 * them with a statement of its own, on every connection.
 */
const ARRAYS: Readonly<Record<string, readonly [oid: number, parseItem: (text: string) => unknown]>> = {
  boolArray: [1000, (text) => text === "t"],
  int4Array: [1007, Number],
  textArray: [1009, String],
  varcharArray: [1015, String],
  int8Array: [1016, Number],
  float8Array: [1022, Number],
  timestamptzArray: [1185, (text) => new Date(text)],
  numericArray: [1231, Number],
  uuidArray: [2951, String],
  jsonbArray: [3807, (text) => JSON.parse(text)],
};

/** The types to tell postgres.js. */
export function wireTypes(): Record<string, WireType> {
  const arrays = Object.entries(ARRAYS).map(([name, [oid, parseItem]]) => [name, arrayType(oid, parseItem)] as const);
  return { ...SCALARS, ...Object.fromEntries(arrays) };
}

function arrayType(oid: number, parseItem: (text: string) => unknown): WireType {
  return {
    to: oid,
    from: [oid],
    serialize: (items) => Array.isArray(items) ? `{${items.map(quotedItem).join(",")}}` : items,
    parse: (text) => itemsOf(text).map((item) => item === undefined ? null : parseItem(item)),
  };
}

function quotedItem(item: unknown): string {
  return item === null ? "NULL" : `"${String(item).replace(/["\\]/g, "\\$&")}"`;
}

/** The items of an array of one dimension, as texts; NULL is `undefined`. */
function itemsOf(text: string): (string | undefined)[] {
  return Array.from(text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs), ([, quoted, bare]) => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/gs, "$1");
    return bare === "NULL" ? undefined : bare;
  });
}

/** What postgres.js offers to make parameters and fragments. */
export interface Encoder {
  (piece: TemplateStringsArray, ...values: readonly unknown[]): unknown;
  typed(value: unknown, type: number): unknown;
}

/** A statement's values as postgres.js takes them: fragments nested, arrays untyped, JSON as `jsonb`. */
export function encoded(encoder: Encoder, values: readonly SqlValue[]): readonly unknown[] {
  return values.some(isSpecial) ? values.map((value) => encodedValue(encoder, value)) : values;
}

function isSpecial(value: SqlValue): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Date);
}

function encodedValue(encoder: Encoder, value: SqlValue): unknown {
  if (!isSpecial(value)) return value;
  if (isFragment(value)) return encoder(value.piece, ...encoded(encoder, value.values));
  if (Array.isArray(value)) return encoder.typed(value, INFERRED);
  return encoder.typed((value as { readonly json: unknown }).json, JSONB);
}
