import { isJsonObject, type Json, type JsonObject, objectOr } from "../json.ts";
import { type FieldKind, itemElement } from "./kinds.ts";

/** Lays an applied configuration on an object: maps are merged, lists by their items, all else is replaced. */
export function merged<T extends JsonObject>(kind: FieldKind, base: T, config: JsonObject): T {
  return mergeFields(kind, base, config) as T;
}

function merge(kind: FieldKind, old: Json | undefined, change: Json): Json {
  if (Array.isArray(change)) return Array.isArray(old) ? mergeItems(kind, old, change) : change;
  if (!isJsonObject(change) || kind.isAtomicMap) return change;
  return mergeFields(kind, objectOr(old), change);
}

function mergeFields(kind: FieldKind, old: JsonObject, change: JsonObject): JsonObject {
  const result = { ...old };
  for (const [field, inner] of Object.entries(change)) {
    if (inner !== undefined) result[field] = merge(kind.field(field), old[field], inner);
  }
  return result;
}

/** Items that both have stand in the order of the configuration, the others where they stood. */
function mergeItems(kind: FieldKind, old: readonly Json[], change: readonly Json[]): Json[] {
  const { list } = kind;
  if (list === "atomic") return [...change];
  const named = (items: readonly Json[]) => items.map((item) => ({ item, element: itemElement(list, item) }));
  const [left, right] = [named(old), named(change)];
  const before = new Map(left.map(({ element, item }) => [element, item]));
  const wanted = new Set(right.map(({ element }) => element));
  const shared = right.map(({ element }) => element).filter((element) => before.has(element));
  const done = new Set<string>();
  const result: Json[] = [];
  const take = ({ element, item }: { element: string; item: Json }) => {
    done.add(element);
    result.push(list === "set" ? item : merge(kind.item(), before.get(element), item));
    if (shared[0] === element) shared.shift();
  };
  let next = 0;
  for (const { element, item } of left) {
    if (!wanted.has(element)) result.push(item);
    else if (!done.has(element) && shared[0] === element) {
      while (next < right.length && !done.has(element)) {
        const one = right[next++];
        if (one !== undefined) take(one);
      }
    }
  }
  for (const one of right.slice(next)) take(one);
  return result;
}
