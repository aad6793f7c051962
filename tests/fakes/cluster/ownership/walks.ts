import { isJsonObject, type Json, type JsonObject, sameJson } from "../json.ts";
import { FieldSet } from "./field_set.ts";
import { type FieldKind, itemElement } from "./kinds.ts";

/** Where a field stands: the set of its siblings, and its element among them. */
interface Place {
  readonly among: FieldSet;
  readonly element: string;
}

/** Every field that an applied configuration names. */
export function fieldsOf(kind: FieldKind, object: JsonObject): FieldSet {
  const set = new FieldSet();
  collectFields(kind, object, set);
  return set;
}

function collect(kind: FieldKind, value: Json, place: Place): void {
  if (Array.isArray(value)) return collectItems(kind, value, place);
  if (!isJsonObject(value) || kind.isAtomicMap || Object.keys(value).length === 0) place.among.add(place.element);
  else collectFields(kind, value, place.among.below(place.element));
}

function collectFields(kind: FieldKind, value: JsonObject, among: FieldSet): void {
  for (const [field, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    const element = `f:${field}`;
    collect(kind.field(field), inner, { among, element });
    if (!kind.hasField(field)) among.add(element);
  }
}

function collectItems(kind: FieldKind, items: readonly Json[], { among, element }: Place): void {
  const { list } = kind;
  if (list === "atomic") return among.add(element);
  const below = among.below(element);
  for (const item of items) {
    const place = { among: below, element: itemElement(list, item) };
    below.add(place.element);
    if (list !== "set") collect(kind.item(), item, place);
  }
}

/** Where an applied list names an item twice: the path of the list, and the item's name. */
export function findNamesakes(kind: FieldKind, value: Json, path: readonly string[] = []): Namesakes | undefined {
  if (isJsonObject(value)) {
    for (const [field, inner] of kind.isAtomicMap ? [] : Object.entries(value)) {
      const found = inner === undefined ? undefined : findNamesakes(kind.field(field), inner, [...path, `f:${field}`]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const { list } = kind;
  if (!Array.isArray(value) || list === "atomic") return undefined;
  const seen = new Set<string>();
  for (const item of value) {
    const element = itemElement(list, item);
    if (seen.has(element)) return { path, element };
    seen.add(element);
    const found = findNamesakes(kind.item(), item, [...path, element]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Two items of one name. */
interface Namesakes {
  readonly path: readonly string[];
  readonly element: string;
}

/** The fields that differ between two states of an object. */
export interface Comparison {
  readonly added: FieldSet;
  readonly removed: FieldSet;
  readonly modified: FieldSet;
}

/** Compares two states of an object, field by field. */
export function compared(kind: FieldKind, before: JsonObject, after: JsonObject): Comparison {
  const result = { added: new FieldSet(), removed: new FieldSet(), modified: new FieldSet() };
  compareFields(kind, { before, after }, [], result);
  return result;
}

/** A field before and after; `undefined` where it is absent. */
interface Sides<T extends Json> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

function compare(kind: FieldKind, sides: Sides<Json>, path: readonly string[], result: Comparison): void {
  const isLeaf = compareBelow(kind, sides, path, result);
  if (isLeaf && sides.before !== undefined && sides.after !== undefined) {
    if (!sameJson(sides.before, sides.after)) put(result.modified, path);
    return;
  }
  if (sides.before === undefined) put(result.added, path);
  else if (sides.after === undefined) put(result.removed, path);
}

/** Compares what is below the field; `true` when the field itself is the leaf. */
function compareBelow(kind: FieldKind, sides: Sides<Json>, path: readonly string[], result: Comparison): boolean {
  const present = [sides.before, sides.after].filter((side) => side !== undefined && side !== null);
  if (present.every(Array.isArray)) {
    const [before, after] = [listIn(sides.before), listIn(sides.after)];
    if (kind.list === "atomic" || (before.length === 0 && after.length === 0)) return true;
    compareItems(kind, { before, after }, path, result);
    return false;
  }
  if (!present.every(isJsonObject) || kind.isAtomicMap) return true;
  const [before, after] = [mapIn(sides.before), mapIn(sides.after)];
  if (Object.keys(before).length === 0 && Object.keys(after).length === 0) return true;
  compareFields(kind, { before, after }, path, result);
  return false;
}

function compareFields(
  kind: FieldKind,
  { before = {}, after = {} }: Sides<JsonObject>,
  path: readonly string[],
  result: Comparison,
): void {
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const sides = { before: before[field], after: after[field] };
    if (sides.before === undefined && sides.after === undefined) continue;
    compare(kind.field(field), sides, [...path, `f:${field}`], result);
  }
}

function compareItems(
  kind: FieldKind,
  { before = [], after = [] }: Sides<Json[]>,
  path: readonly string[],
  result: Comparison,
): void {
  const { list } = kind;
  if (list === "atomic") return;
  const byElement = (items: Json[]) => Map.groupBy(items, (item) => itemElement(list, item));
  const [old, fresh] = [byElement(before), byElement(after)];
  for (const element of new Set([...old.keys(), ...fresh.keys()])) {
    const [gone = [], come = []] = [old.get(element), fresh.get(element)];
    compareNamesakes(kind.item(), { gone, come }, [...path, element], result);
  }
}

/** Items of one name are compared one to one; several of them count as one field, without what is in them. */
function compareNamesakes(
  kind: FieldKind,
  { gone, come }: { gone: readonly Json[]; come: readonly Json[] },
  path: readonly string[],
  result: Comparison,
): void {
  if (gone.length > 1 && come.length > 1) {
    if (!sameJson([...gone], [...come])) put(result.modified, path);
    return;
  }
  const [before, after] = [gone.length > 1 ? undefined : gone[0], come.length > 1 ? undefined : come[0]];
  if (before !== undefined || after !== undefined) compare(kind, { before, after }, path, result);
  if (gone.length > 1) put(result.removed, path);
  if (come.length > 1) put(result.added, path);
}

function listIn(side: Json | undefined): Json[] {
  return Array.isArray(side) ? side : [];
}

function mapIn(side: Json | undefined): JsonObject {
  return isJsonObject(side) ? side : {};
}

function put(set: FieldSet, path: readonly string[]): void {
  const [last = ""] = path.slice(-1);
  path.slice(0, -1).reduce((among, element) => among.below(element), set).add(last);
}

/** The object without the fields of the set; a map or list that loses all it had becomes null. */
export function without<T extends JsonObject>(kind: FieldKind, object: T, gone: FieldSet): T {
  return (withoutFields(kind, object, gone) ?? {}) as T;
}

function withoutFields(kind: FieldKind, value: JsonObject, gone: FieldSet): JsonObject | null {
  if (kind.isAtomicMap || Object.keys(value).length === 0) return null;
  const kept: JsonObject = {};
  for (const [field, inner] of Object.entries(value)) {
    const element = `f:${field}`;
    if (inner === undefined || gone.has(element)) continue;
    const below = gone.find(element);
    kept[field] = below === undefined ? inner : cut(kind.field(field), inner, below);
  }
  return Object.keys(kept).length === 0 ? null : kept;
}

function cut(kind: FieldKind, value: Json, gone: FieldSet): Json {
  if (isJsonObject(value)) return withoutFields(kind, value, gone);
  if (!Array.isArray(value)) return value;
  const { list } = kind;
  if (list === "atomic") return null;
  const kept = value.flatMap((item) => {
    const element = itemElement(list, item);
    if (gone.has(element)) return [];
    const below = gone.find(element);
    return [below === undefined ? item : cut(kind.item(), item, below)];
  });
  return kept.length === 0 ? null : kept;
}

/** The set with each field that stands there by its type as a member, not only what is below it. */
export function withNamedFields(kind: FieldKind, set: FieldSet): FieldSet {
  return set.withMembers((path) => {
    const last = path.at(-1) ?? "";
    return last.startsWith("f:") && holderOf(kind, path).hasField(last.slice(2));
  });
}

function holderOf(kind: FieldKind, path: readonly string[]): FieldKind {
  return path.slice(0, -1).reduce(
    (at, element) => element.startsWith("f:") ? at.field(element.slice(2)) : at.item(),
    kind,
  );
}
