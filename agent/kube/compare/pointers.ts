/**
 * Pointers to fields of an object: JSON pointers (RFC 6901), with one thing more. A part that stands for an item of a
 * list may, beside its index, be the item's keys or its value, as the API server's own messages write them:
 *
 *     /spec/template/spec/containers/[name="a"]/image
 *     /spec/ports/[port=80,protocol="TCP"]
 *     /metadata/finalizers/[="example.org~1protect"]
 *
 * Such a pointer means the same item when others come before it; what is kept is written like this. `~1` and `~0` stand
 * for `/` and `~`, in brackets too. A field of a map may begin with a bracket: only in a list is it a key.
 */

import { isMapping, parseJson } from "$lib/json.ts";

/** One part of a pointer, unescaped. */
export type PointerPart = string;

/** The parts of a pointer; none for what is no pointer, or points to the whole object. */
export function pointerParts(pointer: string): readonly PointerPart[] {
  if (!pointer.startsWith("/")) return [];
  return pointer.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The reverse of {@linkcode pointerParts}. */
export function pointerOf(parts: readonly PointerPart[]): string {
  return parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The keys of an item of a list by name; a list of plain values has the one key `""`. */
export type ItemKeys = Readonly<Record<string, unknown>>;

/** A part that names an item by its keys, or, with the key `""`, by its value. */
export function keysPart(keys: ItemKeys): PointerPart {
  return `[${Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
}

/** The reverse of {@linkcode keysPart}; undefined for a part that names no keys. */
export function keysOf(part: PointerPart): ItemKeys | undefined {
  if (!part.startsWith("[") || !part.endsWith("]")) return undefined;
  const text = part.slice(1, -1);
  const keys: [string, unknown][] = [];
  const pair = new RegExp(KEY_AND_VALUE); // of its own: it remembers where it stands
  while (pair.lastIndex < text.length) {
    const [, key, value] = pair.exec(text) ?? [];
    if (key === undefined || value === undefined) return undefined;
    keys.push([key, jsonOr(value)]);
  }
  return keys.length === 0 ? undefined : Object.fromEntries(keys);
}

/** Each part of it excludes what ends it, so that a match costs no more than the text is long. */
const KEY_AND_VALUE = /([^=,"]*)=("(?:[^"\\]|\\.)*"|[^,"]*)(?:,|$)/y;

/** Keys that an API server fills in where a manifest leaves them out. */
const KEY_DEFAULTS: ItemKeys = { protocol: "TCP" };

/** Whether an item of a list has these keys, one that the API server fills in included. */
export function hasKeys(item: unknown, keys: ItemKeys): boolean {
  return Object.entries(keys).every(([key, value]) =>
    sameJson(key === "" ? item : isMapping(item) ? item[key] ?? KEY_DEFAULTS[key] : undefined, value)
  );
}

/** Which item of a list the part means; undefined when the list has no such item. */
export function indexOf(list: readonly unknown[], part: PointerPart): number | undefined {
  const keys = keysOf(part);
  const index = keys !== undefined
    ? list.findIndex((item) => hasKeys(item, keys))
    : INDEX.test(part)
    ? Number(part)
    : -1;
  return index >= 0 && index < list.length ? index : undefined;
}

const INDEX = /^(0|[1-9]\d{0,8})$/;

/** Whether two values of JSON are the same, whatever the order of fields; every digit of a whole number counts. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    return Array.isArray(left) && Array.isArray(right) && left.length === right.length &&
      left.every((item, index) => sameJson(item, right[index]));
  }
  if (!isMapping(left) || !isMapping(right)) return JSON.stringify(left) === JSON.stringify(right);
  const names = Object.keys(left);
  return names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && sameJson(left[name], right[name]));
}

function jsonOr(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
