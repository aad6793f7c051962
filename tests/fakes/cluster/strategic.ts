import { isJsonObject, type Json, type JsonObject, listOr, objectOr, sameJson } from "./json.ts";
import { type FieldKind, itemElement, kindOf, type Rule } from "./ownership/kinds.ts";
import type { ResourceType } from "./resources.ts";

const DELETE_FROM = "$deleteFromPrimitiveList/";

/**
 * Lays a strategic merge patch on an object: null deletes a field, keyed lists merge by their first key, `$patch` is
 * obeyed.
 */
export function strategicallyPatched(type: ResourceType, base: JsonObject, patch: JsonObject): JsonObject {
  return mergeFields(kindOf(type), base, patch);
}

function merge(kind: FieldKind, old: Json | undefined, change: Json): Json | undefined {
  if (change === null) return undefined;
  if (Array.isArray(change)) return mergeItems(kind, listOr(old), change);
  if (!isJsonObject(change)) return change;
  return mergeFields(kind, change.$patch === "replace" ? {} : objectOr(old), change);
}

function mergeFields(kind: FieldKind, old: JsonObject, change: JsonObject): JsonObject {
  const result = { ...old };
  const retained = change.$retainKeys;
  if (Array.isArray(retained)) {
    for (const field of Object.keys(old)) if (!retained.includes(field)) delete result[field];
  }
  for (const [field, inner] of Object.entries(change)) {
    if (inner === undefined) continue;
    if (field.startsWith(DELETE_FROM)) dropItems(result, field.slice(DELETE_FROM.length), listOr(inner));
    if (field.startsWith("$")) continue;
    const value = merge(kind.field(field), result[field], inner);
    if (value === undefined) delete result[field];
    else result[field] = value;
  }
  return result;
}

function dropItems(holder: JsonObject, field: string, gone: readonly Json[]): void {
  holder[field] = listOr(holder[field]).filter((item) => !gone.some((other) => sameJson(item, other)));
}

function mergeItems(kind: FieldKind, old: readonly Json[], change: readonly Json[]): Json[] {
  const { list } = kind;
  const replaces = change.some((item) => isJsonObject(item) && item.$patch === "replace");
  if (list === "atomic" || replaces) return change.filter((item) => !isJsonObject(item) || item.$patch === undefined);
  if (list === "set") return [...old, ...change.filter((item) => !old.some((other) => sameJson(item, other)))];
  const items = [...old];
  for (const item of change) mergeItem(kind, items, objectOr(item));
  return inOrder(items, old, change, keyRule(list));
}

/** Items of the patch that were there stand where they stood; new ones come before what stood after their neighbour. */
function inOrder(items: Json[], old: readonly Json[], change: readonly Json[], rule: Exclude<Rule, "atomic">): Json[] {
  const element = (item: Json) => itemElement(rule, item);
  const stood = new Map(old.map((item, index) => [element(item), index]));
  const wanted = change.map(element);
  const byElement = new Map(items.map((item) => [element(item), item]));
  const patched = wanted.filter((one) => byElement.has(one));
  const others = items.map(element).filter((one) => !wanted.includes(one));
  const order: string[] = [];
  while (patched.length > 0 && others.length > 0) {
    const position = stood.get(patched[0] ?? "");
    const isOtherFirst = position !== undefined && (stood.get(others[0] ?? "") ?? 0) < position;
    order.push(...(isOtherFirst ? others : patched).splice(0, 1));
  }
  return [...order, ...patched, ...others].flatMap((one) => {
    const item = byElement.get(one);
    return item === undefined ? [] : [item];
  });
}

/** Strategic patches know an item by one field. */
function keyRule(list: Exclude<Rule, "atomic">): Exclude<Rule, "atomic"> {
  return list === "set" ? "set" : list.slice(0, 1);
}

function mergeItem(kind: FieldKind, items: Json[], change: JsonObject): void {
  const rule = keyRule(kind.list === "atomic" ? "set" : kind.list);
  const key = itemElement(rule, change);
  const index = items.findIndex((other) => itemElement(rule, other) === key);
  if (change.$patch === "delete") {
    if (index >= 0) items.splice(index, 1);
    return;
  }
  const item = mergeFields(kind.item(), objectOr(items[index]), change);
  if (index < 0) items.push(item);
  else items[index] = item;
}
