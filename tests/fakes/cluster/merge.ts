import { itemKey, type Path, SEPARATOR } from "./fields.ts";
import { isJsonObject, type Json, type JsonObject, objectOr, sameJson } from "./json.ts";
import { isAtomicMap, type ListRules, listRules, type Rule } from "./list_rules.ts";
import type { ResourceType } from "./resources.ts";

/** How a patch lies on top of an object. */
export interface MergeStyle {
  readonly type: ResourceType;
  /** Whether null deletes a field and `$patch` is obeyed, as in a strategic merge patch. */
  readonly isPatch: boolean;
}

/** Lays `patch` on `base`: maps are merged, keyed lists item by item, all else is replaced. */
export function mergeInto<T extends JsonObject>(base: T, patch: JsonObject, style: MergeStyle): T {
  const rules = listRules(style.type);

  function merge(path: readonly string[], old: Json | undefined, change: Json): Json | undefined {
    if (change === null && style.isPatch) return undefined;
    if (Array.isArray(change) && Array.isArray(old)) return mergeList(path, old, change);
    if (!isJsonObject(change)) return change;
    const replaces = change.$patch === "replace" || (isAtomicMap(style.type, path) && !style.isPatch);
    return mergeFields(path, replaces ? {} : objectOr(old), change);
  }

  function mergeFields(path: readonly string[], old: JsonObject, change: JsonObject): JsonObject {
    const merged = { ...old };
    for (const [field, inner] of Object.entries(change)) {
      if (inner === undefined || field.startsWith("$")) continue;
      const value = merge([...path, `f:${field}`], merged[field], inner);
      if (value === undefined) delete merged[field];
      else merged[field] = value;
    }
    return merged;
  }

  function mergeList(path: readonly string[], old: Json[], change: Json[]): Json[] {
    const rule = rules(path);
    if (rule === "atomic") return change;
    if (rule === "set") return [...old, ...change.filter((item) => !old.some((other) => sameJson(item, other)))];
    const items = [...old];
    for (const item of change) mergeItem(path, items, { item: objectOr(item), keys: rule });
    return items;
  }

  function mergeItem(path: readonly string[], items: Json[], change: { item: JsonObject; keys: readonly string[] }) {
    const key = itemKey(change.keys, change.item);
    const index = items.findIndex((other) => itemKey(change.keys, other) === key);
    if (change.item.$patch === "delete") {
      if (index >= 0) items.splice(index, 1);
      return;
    }
    const merged = mergeFields([...path, key], objectOr(items[index]), change.item);
    if (index < 0) items.push(merged);
    else items[index] = merged;
  }

  return mergeFields([], base, patch) as T;
}

/** The object without the given fields; a list or map that is left empty goes too. */
export function withoutPaths<T extends JsonObject>(type: ResourceType, object: T, paths: Iterable<Path>): T {
  const rules = listRules(type);
  const all = [...paths];
  const itemsFirst = [...all.filter((path) => path.endsWith(".")), ...all.filter((path) => !path.endsWith("."))];
  let result: Json | undefined = object;
  for (const path of itemsFirst) result = cut(result, { done: [], ahead: path.split(SEPARATOR) }, rules);
  return objectOr(result) as T;
}

interface Way {
  readonly done: readonly string[];
  readonly ahead: readonly string[];
}

function cut(value: Json | undefined, way: Way, rules: ListRules): Json | undefined {
  const [element, ...ahead] = way.ahead;
  if (element === undefined || element === ".") return undefined;
  const next = { done: [...way.done, element], ahead };
  if (Array.isArray(value)) return cutItem(value, next, { element, rules, rule: rules(way.done) });
  const field = element.slice(2);
  if (!isJsonObject(value) || value[field] === undefined) return value;
  const { [field]: inner, ...rest } = value;
  const left = cut(inner, next, rules);
  if (left !== undefined) return { ...value, [field]: left };
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function cutItem(
  items: Json[],
  next: Way,
  list: { element: string; rules: ListRules; rule: Rule },
): Json[] | undefined {
  const { element, rules, rule } = list;
  const left = items.flatMap((item) => {
    const name = Array.isArray(rule) ? itemKey(rule, item) : `v:${JSON.stringify(item)}`;
    if (name !== element) return [item];
    const kept = cut(item, next, rules);
    return kept === undefined ? [] : [kept];
  });
  return left.length === 0 ? undefined : left;
}
