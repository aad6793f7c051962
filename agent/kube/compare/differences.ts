import { isMapping } from "$lib/json.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import {
  fieldOf,
  type FieldSet,
  fieldSetOf,
  isEmptySet,
  keysIn,
  ownEntry,
  ownFields,
  owns,
  readable,
  sameSet,
  union,
} from "./field_sets.ts";
import { valueAt } from "./omitted.ts";
import { ADOPTED, MANIFEST_CHECKSUM, OWNER_ID, PART_OF, STACK } from "../names.ts";
import { type ItemKeys, keysPart, pointerOf, pointerParts, sameJson } from "./pointers.ts";

/** A field at which two objects differ; never its value. */
export interface DifferingField {
  /** For people, such as `spec.template.spec.containers[name="a"].image`. */
  readonly path: string;
  /** The same as a pointer, see `pointers.ts`; an item of a list is named by its keys. */
  readonly pointer: string;
}

/** What an apply would change of a live object. */
export interface Differences {
  /** At most {@linkcode FIELDS_FOUND_MAX}; without the marks that we put on members. */
  readonly fields: readonly DifferingField[];
  /** Whether our marks differ, and nothing else. */
  readonly onlyMarks: boolean;
}

/** How many fields are named; one more says no more to a person. */
export const FIELDS_FOUND_MAX = 50;

/**
 * The fields at which the answer of a dry-run apply differs from the live object. Both are what the API server stores,
 * defaults filled in, so plain comparison is right. What it keeps itself (versions, times, managed fields, status) does
 * not count. A list is compared item by item where anybody's managed fields know its keys, else as one value: so each
 * field is one that managed fields can name.
 */
export function compareObjects(live: KubernetesObject, after: KubernetesObject): Differences {
  const known = [live, after].flatMap(({ metadata: { managedFields = [] } }) =>
    managedFields.map(({ fieldsV1 }) => fieldSetOf(fieldsV1))
  );
  const [left, right] = [comparable(live), comparable(after)];
  const found: Place[] = [];
  compare(found, { left: left.fields, right: right.fields, known }, []);
  const fields = found.map((place) => ({ path: pathOf(place), pointer: pointerOf(place.map(partOf)) }));
  return { fields, onlyMarks: fields.length === 0 && !sameJson(left.marks, right.marks) };
}

/**
 * What the API server makes of a manifest as a new object, where it can't be told what an apply would make of the live
 * one.
 */
export interface AsNew {
  readonly manifest: KubernetesObject;
  /** The manifest without what the live object has and no other one can have. */
  readonly sent: KubernetesObject;
  readonly made: KubernetesObject;
  /** Fields of the live object that are to go, whoever has them. */
  readonly going: FieldSet;
}

/**
 * The fields, for people, at which a live object differs from the manifest: those that the manifest has, or had, or
 * that are to go. What is filled in, or others', is no difference.
 */
export function differencesFromNew(
  live: KubernetesObject,
  { manifest, sent, made, going }: AsNew,
): readonly string[] {
  const { generateName: _, ...metadata } = made.metadata;
  const { fields } = compareObjects(live, { ...made, metadata: { ...metadata, name: live.metadata.name } });
  const had = ownFields(live);
  const isMeant = ({ pointer }: DifferingField) => {
    const [parts, field] = [pointerParts(pointer), fieldOf(pointer, live)];
    const isDropped = owns(had, field) && valueAt(parts, manifest) === undefined;
    return isDropped || owns(going, field) || valueAt(parts, sent) !== undefined;
  };
  return fields.filter(isMeant).map(({ path }) => path);
}

/** The fields, for people, at which an object is not as it was, of those that are ours or were. */
export function ownDifferences(before: KubernetesObject, now: KubernetesObject): readonly string[] {
  const ours = union(ownFields(before), ownFields(now));
  const { fields } = compareObjects(before, now);
  return fields.filter(({ pointer }) => owns(ours, fieldOf(pointer, now))).map(({ path }) => path);
}

/** Whether of our marks no other one differs than the checksum: one that another stack left does. */
export function isMarkedAlike(live: KubernetesObject, after: KubernetesObject): boolean {
  const [left, right] = [live, after].map((object) => without(comparable(object).marks, [MANIFEST_CHECKSUM]));
  return sameJson(left, right);
}

/**
 * Whether an apply would change the set of fields that we own: somebody took a field from us or owns it with us no
 * more, or the manifest has more fields or fewer. When and by which version of the type we applied does not count.
 */
export function ownFieldsDiffer(live: KubernetesObject, after: KubernetesObject): boolean {
  const [before, then] = [live, after].map(({ metadata }) => ownEntry(metadata));
  if (before === undefined || then === undefined) return before !== then;
  return !sameSet(fieldSetOf(before.fieldsV1), fieldSetOf(then.fieldsV1));
}

/** Which metadata an API server keeps, and what else says nothing of what was wanted. */
const KEPT_BY_SERVER = [
  "resourceVersion",
  "generation",
  "managedFields",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "uid",
  "selfLink",
];
const MARKS = [PART_OF, STACK, OWNER_ID, MANIFEST_CHECKSUM, ADOPTED];

type Values = Readonly<Record<string, unknown>>;

interface Comparable {
  readonly fields: Values;
  readonly marks: Values;
}

function comparable({ status: _, ...fields }: KubernetesObject): Comparable {
  const metadata = without(fields.metadata as unknown as Values, [...KEPT_BY_SERVER, "labels", "annotations"]);
  const { labels = {}, annotations = {} } = fields.metadata;
  const marks = Object.entries({ ...labels, ...annotations }).filter(([name]) => MARKS.includes(name)).sort();
  const own = { labels: without(labels, MARKS), annotations: without(annotations, MARKS) };
  return { fields: { ...fields, metadata: { ...metadata, ...own } }, marks: Object.fromEntries(marks) };
}

function without(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}

/** A step to a field by its name, or to an item by its keys. */
type PlacePart = string | ItemKeys;
type Place = readonly PlacePart[];

interface Pair {
  readonly left: unknown;
  readonly right: unknown;
  /** What each manager's fields say of this place; none where nobody owns anything. */
  readonly known: readonly FieldSet[];
}

function compare(found: Place[], { left, right, known }: Pair, place: Place): void {
  if (found.length >= FIELDS_FOUND_MAX || sameJson(left, right)) return;
  const isWhole = place.length > 0 && known.length > 0 && known.every(isEmptySet);
  if (isMapping(left) && isMapping(right) && !isWhole) return compareFields(found, { left, right, known }, place);
  const keyNames = keyNamesOf(known);
  if (Array.isArray(left) && Array.isArray(right) && keyNames !== undefined) {
    return compareItems(found, { left: byKeys(left, keyNames), right: byKeys(right, keyNames), known }, place);
  }
  found.push(place);
}

function compareFields(
  found: Place[],
  { left, right, known }: Pair & { readonly left: Values; readonly right: Values },
  place: Place,
): void {
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    compare(found, { left: left[name], right: right[name], known: below(known, `f:${name}`) }, [...place, name]);
  }
}

/** The names of the keys of a list's items, `""` for one of plain values; undefined for a list that is one value. */
function keyNamesOf(known: readonly FieldSet[]): readonly string[] | undefined {
  const element = known.flatMap((node) => Object.keys(node)).find((one) =>
    one.startsWith("k:") || one.startsWith("v:")
  );
  if (element === undefined) return undefined;
  return element.startsWith("v:") ? [""] : Object.keys(keysIn(element));
}

interface Item {
  readonly keys: ItemKeys;
  readonly item: unknown;
}

function byKeys(items: readonly unknown[], keyNames: readonly string[]): ReadonlyMap<string, Item> {
  return new Map(items.map((item) => {
    const keys = Object.fromEntries(keyNames.flatMap((name) => keyOf(item, name)));
    return [JSON.stringify(keys), { keys, item }];
  }));
}

function keyOf(item: unknown, name: string): readonly (readonly [string, unknown])[] {
  if (name === "") return [[name, item]];
  return isMapping(item) && item[name] !== undefined ? [[name, item[name]]] : [];
}

interface Lists {
  readonly left: ReadonlyMap<string, Item>;
  readonly right: ReadonlyMap<string, Item>;
  readonly known: readonly FieldSet[];
}

function compareItems(found: Place[], { left, right, known }: Lists, place: Place): void {
  const before = found.length;
  const nodes = Map.groupBy(known.flatMap(itemNodes), ({ key }) => key);
  for (const [key, { keys }] of new Map([...left, ...right])) {
    const pair = {
      left: left.get(key)?.item,
      right: right.get(key)?.item,
      known: nodes.get(key)?.map(({ node }) => node) ?? [],
    };
    compare(found, pair, [...place, keys]);
  }
  if (found.length === before) found.push(place); // the same items in another order
}

function itemNodes(node: FieldSet): readonly { readonly key: string; readonly node: FieldSet }[] {
  return Object.entries(node).flatMap(([element, node]) =>
    element.startsWith("k:") ? [{ key: JSON.stringify(keysIn(element)), node }] : []
  );
}

function below(known: readonly FieldSet[], element: string): readonly FieldSet[] {
  return known.flatMap((node) => node[element] ?? []);
}

function pathOf(place: Place): string {
  const text = place.map((part) => typeof part === "string" ? readable(`f:${part}`) : keysPart(part)).join("");
  return text.startsWith(".") ? text.slice(1) : text;
}

function partOf(part: PlacePart): string {
  return typeof part === "string" ? part : keysPart(part);
}
