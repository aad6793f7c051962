import { isMapping, parseJson } from "$lib/json.ts";
import { FIELD_MANAGER, type KubernetesObject, type ManagedFields, type ObjectMeta } from "$lib/kubernetes.ts";
import { hasKeys, indexOf, type ItemKeys, keysOf, keysPart, pointerParts, sameJson } from "./pointers.ts";

/**
 * A set of fields of an object, the tree that `fieldsV1` of managed fields is: below a field its fields (`f:name`) or,
 * of a list, its items by their keys (`k:{…}`), value (`v:…`) or index (`i:…`); `.` says that the node itself is in the
 * set, as nothing below it does. The empty tree is the empty set.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** The set that a `fieldsV1` is; empty for what is none. */
export function fieldSetOf(fieldsV1: unknown): FieldSet {
  return isMapping(fieldsV1) ? fieldsV1 as FieldSet : {};
}

/** What we own of an object by applying it; undefined when that is nothing. */
export function ownEntry({ managedFields }: Pick<ObjectMeta, "managedFields">): ManagedFields | undefined {
  return managedFields?.find(isOwnEntry);
}

/** The fields that we own of an object by applying them. */
export function ownFields({ metadata }: Pick<KubernetesObject, "metadata">): FieldSet {
  return fieldSetOf(ownEntry(metadata)?.fieldsV1);
}

/** Whether the entry is what this project applied. */
export function isOwnEntry({ manager, operation, subresource }: ManagedFields): boolean {
  return manager === FIELD_MANAGER && operation === "Apply" && !subresource;
}

/** The entry of what this project applies, where an object has none yet: its fields are to be put in. */
export function newOwnEntry(apiVersion: string): ManagedFields {
  return { manager: FIELD_MANAGER, operation: "Apply", apiVersion, fieldsType: "FieldsV1" };
}

/** The fields that are in one of the two, or in both. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  return combine(left, right, (inLeft, inRight) => inLeft || inRight);
}

/** The fields of `left` that are not in `right`. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  return combine(left, right, (inLeft, inRight) => inLeft && !inRight);
}

/** Whether no field is in the set. */
export function isEmptySet(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

/** Whether both hold the same fields, in whatever order they are written. */
export function sameSet(left: FieldSet, right: FieldSet): boolean {
  return sameJson(left, right) || isEmptySet(combine(left, right, (inLeft, inRight) => inLeft !== inRight));
}

/** The fields of the set of which `have` has nothing, for people; what is in such a field is not named beside it. */
export function pathsBeyond(set: FieldSet, have: FieldSet): readonly string[] {
  return beyondIn(set, have, "");
}

/** One element of a set's tree in a readable path: `.name`, `["odd name"]`, `[name="a"]`, `[="value"]`, `[3]`. */
export function readable(element: string): string {
  const text = element.slice(2);
  if (element.startsWith("k:")) return keysPart(keysIn(element));
  if (element.startsWith("v:")) return `[=${text}]`;
  if (element.startsWith("i:")) return `[${text}]`;
  return PLAIN_NAME.test(text) ? `.${text}` : `[${JSON.stringify(text)}]`;
}

/** The keys that an element `k:{…}` names. */
export function keysIn(element: string): ItemKeys {
  return parseJson(element.slice(2)) as ItemKeys;
}

/** A place in an object, found there, so that a set can be asked about it. */
export interface Field {
  readonly steps: readonly Step[];
}

/** One step into an object: to a field by its name, or to an item of a list, as far as it is known. */
export type Step =
  | { readonly name: string }
  | { readonly keys?: ItemKeys; readonly index?: number; readonly item?: unknown };

/**
 * The field that a pointer means in an object, see `pointers.ts`. The object need not have it; but an item that is
 * named by its index is found in no keyed list of a set where the object has no such item.
 */
export function fieldOf(pointer: string, object: unknown): Field {
  const steps: Step[] = [];
  let value = object;
  for (const part of pointerParts(pointer)) {
    const step = stepOf(part, value);
    steps.push(step);
    value = "name" in step ? isMapping(value) ? value[step.name] : undefined : step.item;
  }
  return { steps };
}

/** Whether the field, something in it, or something whole that it is a part of, is in the set. */
export function owns(set: FieldSet, { steps }: Field): boolean {
  let node = set;
  for (const step of steps) {
    if (node !== set && isEmptySet(node)) return true;
    const element = elementFor(step, node);
    const next = element === undefined ? undefined : node[element];
    if (next === undefined) return false;
    node = next;
  }
  return node !== set;
}

/** The set without these fields of the object and without what is in them. */
export function withoutPointers(set: FieldSet, pointers: readonly string[], object: unknown): FieldSet {
  return pointers.reduce((left, pointer) => withoutField(left, fieldOf(pointer, object).steps) ?? {}, set);
}

/** The fields of the set that the object has. */
export function presentIn(set: FieldSet, object: unknown): FieldSet {
  return Object.fromEntries(
    Object.entries(set).flatMap(([element, node]) => {
      const value = element === SELF ? undefined : valueAt(element, object);
      const left = value === undefined ? undefined : nodeOf(isMember(node), presentIn(node, value));
      return left === undefined ? [] : [[element, left]];
    }),
  );
}

/** Of a node of a set: whether the node itself is in the set. */
export function isMember(node: FieldSet): boolean {
  return isEmptySet(node) || Object.hasOwn(node, SELF);
}

const SELF = ".";
const PLAIN_NAME = /^[A-Za-z0-9_-]+$/;

type Keep = (inLeft: boolean, inRight: boolean) => boolean;

function combine(left: FieldSet, right: FieldSet, keep: Keep): FieldSet {
  const elements = new Set([...Object.keys(left), ...Object.keys(right)]);
  elements.delete(SELF);
  return Object.fromEntries([...elements].flatMap((element) => {
    const [one, other] = [left[element], right[element]];
    const isKept = keep(one !== undefined && isMember(one), other !== undefined && isMember(other));
    const node = nodeOf(isKept, combine(one ?? {}, other ?? {}, keep));
    return node === undefined ? [] : [[element, node]];
  }));
}

/** The node of a tree; undefined when neither it nor anything below it is in the set. */
export function nodeOf(isInSet: boolean, below: FieldSet): FieldSet | undefined {
  if (isEmptySet(below)) return isInSet ? {} : undefined;
  return isInSet ? { [SELF]: {}, ...below } : below;
}

function beyondIn(set: FieldSet, have: FieldSet, path: string): readonly string[] {
  return Object.entries(set).flatMap(([element, node]) => {
    if (element === SELF) return [];
    const [here, known] = [pathTo(element, path), have[element]];
    return known === undefined && isMember(node) ? [here] : beyondIn(node, known ?? {}, here);
  });
}

function pathTo(element: string, path: string): string {
  const text = `${path}${readable(element)}`;
  return path === "" && text.startsWith(".") ? text.slice(1) : text;
}

function stepOf(part: string, value: unknown): Step {
  if (Array.isArray(value)) {
    const index = indexOf(value, part);
    const keys = keysOf(part);
    return { ...(keys === undefined ? {} : { keys }), ...(index === undefined ? {} : { index, item: value[index] }) };
  }
  const keys = value === undefined ? keysOf(part) : undefined;
  return keys === undefined ? { name: part } : { keys };
}

/** Which element below the node the step takes. */
function elementFor(step: Step, node: FieldSet): string | undefined {
  if ("name" in step) return Object.hasOwn(node, `f:${step.name}`) ? `f:${step.name}` : undefined;
  return Object.keys(node).find((element) => isElementOf(element, step));
}

function isElementOf(element: string, { keys, index, item }: Exclude<Step, { readonly name: string }>): boolean {
  if (element.startsWith("i:")) return element === `i:${index}`;
  if (element.startsWith("v:")) return sameJson(parseJson(element.slice(2)), keys?.[""] ?? item);
  if (!element.startsWith("k:")) return false;
  return hasKeys(keys ?? item, keysIn(element));
}

function valueAt(element: string, value: unknown): unknown {
  const text = element.slice(2);
  if (element.startsWith("f:")) return isMapping(value) && Object.hasOwn(value, text) ? value[text] : undefined;
  if (!Array.isArray(value)) return undefined;
  if (element.startsWith("i:")) return value[Number(text)];
  const keys = element.startsWith("k:") ? keysIn(element) : { "": parseJson(text) };
  return value.find((item) => hasKeys(item, keys));
}

function withoutField(node: FieldSet, [step, ...rest]: readonly Step[]): FieldSet | undefined {
  const element = step === undefined ? undefined : elementFor(step, node);
  if (element === undefined) return node;
  const { [element]: inner = {}, ...others } = node;
  const left = rest.length === 0 ? undefined : isEmptySet(inner) ? inner : withoutField(inner, rest);
  const { [SELF]: self, ...below } = others;
  return nodeOf(self !== undefined, left === undefined ? below : { ...below, [element]: left });
}
