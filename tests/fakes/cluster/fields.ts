import { isJsonObject, type Json, type JsonObject, objectOr } from "./json.ts";
import { isAtomicMap, KEY_DEFAULTS, listRules } from "./list_rules.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";

/** A field: the elements of `fieldsV1` (`f:data`, `k:{"name":"x"}`, `.`), joined by {@linkcode SEPARATOR}. */
export type Path = string;

/** Stands between the elements of a {@linkcode Path}; no field name holds it. */
export const SEPARATOR = "\n";

const SERVER_OWNED = new Set([
  "f:apiVersion",
  "f:kind",
  ...["name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"]
    .map((field) => `f:metadata${SEPARATOR}f:${field}`),
  ...["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"].map((field) => `f:metadata${SEPARATOR}f:${field}`),
]);

/** Every field of the object that can be owned, with its value. */
export function leavesOf(type: ResourceType, object: KubeObject): Map<Path, Json> {
  const rules = listRules(type);
  const leaves = new Map<Path, Json>();

  function visit(path: readonly string[], value: Json): void {
    const key = path.join(SEPARATOR);
    if (SERVER_OWNED.has(key)) return;
    if (Array.isArray(value) && value.length > 0) return visitList(path, value);
    if (!isJsonObject(value) || Object.keys(value).length === 0 || isAtomicMap(type, path)) {
      if (path.length > 1 || !isJsonObject(value)) leaves.set(key, value);
      return;
    }
    visitFields(path, value);
  }

  function visitFields(path: readonly string[], value: JsonObject): void {
    for (const [field, inner] of Object.entries(value)) {
      if (inner !== undefined) visit([...path, `f:${field}`], inner);
    }
  }

  function visitList(path: readonly string[], items: Json[]): void {
    const rule = rules(path);
    if (rule === "atomic") {
      leaves.set(path.join(SEPARATOR), items);
      return;
    }
    for (const item of items) {
      const itemPath = [...path, rule === "set" ? `v:${JSON.stringify(item)}` : itemKey(rule, item)];
      leaves.set(rule === "set" ? itemPath.join(SEPARATOR) : [...itemPath, "."].join(SEPARATOR), true);
      if (rule !== "set") visitFields(itemPath, objectOr(item));
    }
  }

  visitFields([], object);
  return leaves;
}

/** The `k:{…}` element of an item in a keyed list. */
export function itemKey(keys: readonly string[], item: Json): string {
  const fields = objectOr(item);
  const named = [...keys].sort().map((key) => [key, fields[key] ?? KEY_DEFAULTS[key]]);
  return `k:${JSON.stringify(Object.fromEntries(named))}`;
}

/** Writes paths as the tree that `fieldsV1` is. */
export function toFieldsV1(paths: Iterable<Path>): { [field: string]: Json } {
  const root: { [field: string]: Json } = {};
  for (const path of paths) {
    let node: JsonObject = root;
    for (const element of path.split(SEPARATOR)) {
      const inner = objectOr(node[element]);
      node[element] = inner;
      node = inner;
    }
  }
  return root;
}

/** Reads the paths of a `fieldsV1` tree. */
export function fromFieldsV1(tree: JsonObject, prefix: readonly string[] = []): Set<Path> {
  const paths = new Set<Path>();
  for (const [element, inner] of Object.entries(tree)) {
    const path = [...prefix, element];
    const below = objectOr(inner);
    if (Object.keys(below).length === 0) paths.add(path.join(SEPARATOR));
    for (const deeper of fromFieldsV1(below, path)) paths.add(deeper);
  }
  return paths;
}

/** A path as messages show it: `.spec.containers[name="app"].image`. */
export function showPath(path: Path): string {
  return path.split(SEPARATOR).filter((element) => element !== ".").map((element) => {
    if (element.startsWith("f:")) return `.${element.slice(2)}`;
    if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
    const keys = Object.entries(objectOr(JSON.parse(element.slice(2))));
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
  }).join("");
}
