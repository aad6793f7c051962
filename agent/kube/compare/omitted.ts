import { isMapping } from "$lib/json.ts";
import type { KubernetesObject, ManagedFields } from "$lib/kubernetes.ts";
import { fieldSetOf, isOwnEntry, ownEntry, sameSet, withoutPointers } from "./field_sets.ts";
import { indexOf, pointerParts } from "./pointers.ts";

/**
 * The manifest without these fields, see `pointers.ts`: what an autoscaler or another manager keeps is left out of an
 * apply. A map or list that holds nothing then is left out, too; an item of a list stays, unless it is itself what is
 * left out.
 */
export function withoutPaths(object: KubernetesObject, pointers: readonly string[]): KubernetesObject {
  const paths = pointers.map(pointerParts).filter((parts) => parts.length > 0);
  return paths.length === 0 ? object : omitted(object, paths) as KubernetesObject;
}

/**
 * Whether a field of an object is one of those that are left out, or in one. An index of a list is that of the
 * manifest.
 */
export function isLeftOut(pointer: string, left: readonly string[], manifest: unknown): boolean {
  const parts = pointerParts(pointer);
  const paths = left.map(pointerParts).filter((path) => path.length > 0);
  return paths.some((path) => isWithin(parts, path, manifest)) || isEmptied(parts, paths, manifest);
}

/** Whether a field of the manifest holds nothing but what is left out. */
function isEmptied(parts: Path, paths: readonly Path[], manifest: unknown): boolean {
  return valueAt(parts, manifest) !== undefined && valueAt(parts, omitted(manifest, paths)) === undefined;
}

/** The value at the parts of a pointer; undefined where there is none. */
export function valueAt([part, ...rest]: readonly string[], value: unknown): unknown {
  if (part === undefined || value === undefined) return value;
  if (Array.isArray(value)) return valueAt(rest, value[indexOf(value, part) ?? -1]);
  return valueAt(rest, isMapping(value) && Object.hasOwn(value, part) ? value[part] : undefined);
}

function isWithin(parts: readonly string[], path: readonly string[], value: unknown): boolean {
  const [[part, ...deeper], [step, ...rest]] = [parts, path];
  if (step === undefined) return true;
  if (part === undefined) return false;
  if (!Array.isArray(value)) return part === step && isWithin(deeper, rest, isMapping(value) ? value[step] : undefined);
  const index = indexOf(value, step);
  return index !== undefined && index === indexOf(value, part) && isWithin(deeper, rest, value[index]);
}

/**
 * The managed fields with which a live object is not ours at these pointers: the values stay, and an apply without
 * them does not take them out, as long as something of ours stays in the same map: with the last of that goes the map,
 * and what nobody owns in it. An index of a list is that of the manifest, which may have its items in another order.
 *
 * @returns Undefined where we own none of them.
 */
export function releasedFields(
  live: KubernetesObject,
  pointers: readonly string[],
  manifest: KubernetesObject,
): readonly ManagedFields[] | undefined {
  const own = fieldSetOf(ownEntry(live.metadata)?.fieldsV1);
  const fieldsV1 = withoutPointers(own, pointers, manifest);
  if (sameSet(own, fieldsV1)) return undefined;
  return live.metadata.managedFields?.map((entry) => isOwnEntry(entry) ? { ...entry, fieldsV1 } : entry) ?? [];
}

type Path = readonly string[];

function omitted(value: unknown, paths: readonly Path[]): unknown {
  if (Array.isArray(value)) return omittedItems(value, paths);
  return isMapping(value) ? omittedFields(value, paths) : value;
}

function omittedItems(items: readonly unknown[], paths: readonly Path[]): readonly unknown[] {
  const within = Map.groupBy(paths, ([part = ""]) => indexOf(items, part));
  return items.flatMap((item, index) => {
    const rests = restsOf(within.get(index));
    return rests === undefined ? [] : [omitted(item, rests)];
  });
}

function omittedFields(fields: Readonly<Record<string, unknown>>, paths: readonly Path[]): unknown {
  const within = Map.groupBy(paths, ([name = ""]) => name);
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const rests = restsOf(within.get(name));
      if (rests === undefined) return [];
      const left = omitted(value, rests);
      return isEmpty(left) && !isEmpty(value) ? [] : [[name, left]];
    }),
  );
}

/** What is left out within a thing; undefined where it is left out itself. */
function restsOf(paths: readonly Path[] = []): readonly Path[] | undefined {
  const rests = paths.map((path) => path.slice(1));
  return rests.some((rest) => rest.length === 0) ? undefined : rests;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isMapping(value) && Object.keys(value).length === 0;
}
