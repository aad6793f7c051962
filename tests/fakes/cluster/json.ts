/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object; a field that is `undefined` is absent on the wire. */
export type JsonObject = { [field: string]: Json | undefined };

/** Whether the value is an object with fields: not null, not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object, or an empty one when it is something else. */
export function objectOr(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The value as a list, or an empty one when it is something else. */
export function listOr(value: unknown): Json[] {
  return Array.isArray(value) ? value : [];
}

/** What is found by following the fields, or `undefined` where the way ends. */
export function at(value: unknown, ...fields: string[]): Json | undefined {
  let found = value as Json | undefined;
  for (const field of fields) found = isJsonObject(found) ? found[field] : undefined;
  return found;
}

/** Whether both mean the same JSON: the order of fields and absent fields do not count. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...fields].every((field) => sameJson(a[field], b[field]));
}

/** A copy without the fields that are null, at any depth, as typed decoding drops them. */
export function withoutNulls<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T;
  if (!isJsonObject(value)) return value;
  const kept: JsonObject = {};
  for (const [field, inner] of Object.entries(value)) {
    if (inner !== null && inner !== undefined) kept[field] = withoutNulls(inner);
  }
  return kept as T;
}
