import { shortened } from "$lib/error.ts";
import { isMapping } from "$lib/json.ts";
import { labelFaults, readPolicies } from "$lib/policies.ts";
import type { YamlDocument } from "$lib/yaml/document.ts";

/** What a manifest without faults has at least. */
export interface Shape extends Record<string, unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string | null };
}

/** Something that should be a manifest, and where it is in its document. */
export interface Candidate {
  readonly value: unknown;
  readonly offset: number;
  /** Such as `items[2]`; empty for the whole document. */
  readonly path: string;
}

type Mapping = Readonly<Record<string, unknown>>;

const NAME_MAX = 253; // Kubernetes' own limits: of names, and of kinds and namespaces
const LABEL_MAX = 63;
const API_VERSION_MAX = NAME_MAX + 1 + LABEL_MAX; // group, slash, version
const LIST = "List";
const ANY_LIST = { apiVersion: "v1", kind: LIST };
const EMPTY: Mapping = {};

/** The manifests of a document: itself, or the items of a list of any kind, lists in lists too. */
export function manifestsOf({ value, offset, itemOffsets }: YamlDocument): readonly Candidate[] {
  const found: Candidate[] = [];
  const rest: Candidate[] = [{ value, offset, path: "" }];
  for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
    if (!isList(one.value)) {
      found.push(one);
      continue;
    }
    const { offset: ofList, value: list, path: ofPath } = one;
    if (list.items === null) continue;
    const offsets = itemOffsets.get(list.items);
    const items = list.items.map((item, at) => ({
      value: typed(item, list),
      offset: offsets?.[at] ?? ofList,
      path: `${ofPath === "" ? "" : `${ofPath}.`}items[${at}]`,
    }));
    for (const item of items.reverse()) rest.push(item); // there may be more of them than a call takes
  }
  return found;
}

/** What keeps a value from being a manifest; of an item of a list, each says which. */
export function manifestFaults({ value, path }: Pick<Candidate, "value" | "path">): readonly string[] {
  const faults = !isMapping(value)
    ? [`must be a mapping with apiVersion, kind and metadata.name, and is ${typeText(value)}`]
    : hasKindOfList(value)
    ? listFaults(value)
    : objectFaults(value);
  return path === "" ? faults : faults.map((fault) => `${path}: ${fault}`);
}

/** Nothing of it is to be looked at but its items: that it has no name is not what is wrong with it. */
function listFaults({ items }: Mapping): readonly string[] {
  return [`items must be a list of manifests, and ${items === undefined ? "is missing" : `is ${typeText(items)}`}`];
}

function objectFaults(value: Mapping): readonly string[] {
  const metadata = isMapping(value.metadata) ? value.metadata : EMPTY;
  const { name, generateName, namespace, labels, annotations } = metadata;
  return [
    ...apiVersionFaults(value.apiVersion),
    ...textFaults("kind", value.kind, LABEL_MAX),
    ...(isNone(name) && !isNone(generateName) ? [GENERATED] : nameFaults("metadata.name", name, NAME_MAX)),
    ...(isNone(namespace) ? [] : nameFaults("metadata.namespace", namespace, LABEL_MAX)),
    ...mappingFaults("metadata.labels", labels),
    ...mappingFaults("metadata.annotations", annotations),
    ...(isMapping(labels) ? labelFaults(labels) : []),
    ...(isMapping(annotations) ? readPolicies(annotations).faults : []),
  ];
}

const GENERATED = "metadata.generateName would make another object each time: give it a metadata.name";

interface List {
  readonly apiVersion?: unknown;
  readonly kind: string;
  readonly items: readonly unknown[] | null;
}

/** As kubectl knows a list: by its items, which may be null. */
function isList(value: unknown): value is List {
  return isMapping(value) && hasKindOfList(value) && (Array.isArray(value.items) || value.items === null);
}

/** An object with a name of its own is none, whatever its kind ends with; `v1` has no object of kind `List`. */
function hasKindOfList({ apiVersion, kind, metadata }: Mapping): boolean {
  if (typeof kind !== "string" || !kind.endsWith(LIST)) return false;
  if (kind === ANY_LIST.kind && apiVersion === ANY_LIST.apiVersion) return true;
  return !(isMapping(metadata) && typeof metadata.name === "string");
}

/** An item that says neither version nor kind has those of its list: `ConfigMap` of `ConfigMapList`. */
function typed(item: unknown, { apiVersion, kind }: List): unknown {
  if (!isMapping(item) || kind === LIST || !isNone(item.kind) || !isNone(item.apiVersion)) return item;
  return { ...item, apiVersion, kind: kind.slice(0, -LIST.length) };
}

function typeText(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return isMapping(value) ? "a mapping" : `a ${typeof value}`;
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** Of what else there may be in it, paths have other uses. */
const API_VERSION = /^(?:[a-z0-9][-.a-z0-9]*\/)?[a-z0-9][-a-z0-9]*$/;

function apiVersionFaults(value: unknown): readonly string[] {
  const faults = textFaults("apiVersion", value, API_VERSION_MAX);
  if (faults.length > 0 || API_VERSION.test(value as string)) return faults;
  return ['apiVersion must be a version, or a group and a version, such as "v1" or "apps/v1"'];
}

/** As the API server takes a name for a part of a path: `..` there would be another object. */
function nameFaults(field: string, value: unknown, maxLength: number): string[] {
  const isPath = typeof value === "string" && (value === "." || value === ".." || /[/%]/.test(value));
  return isPath ? [`${field} must not be "." or "..", nor hold "/" or "%"`] : textFaults(field, value, maxLength);
}

/** Of labels or annotations: what is no mapping of texts would be sent as something else, or be refused only later. */
function mappingFaults(field: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!isMapping(value)) return [`${field} must be a mapping of strings`];
  const [key, other] = Object.entries(value).find(([, one]) => one !== null && typeof one !== "string") ?? [];
  if (key === undefined) return [];
  const name = `${field}["${shortened(key, LABEL_MAX)}"]`;
  const isOther = typeof other === "boolean" || typeof other === "number";
  return [
    isOther ? `${name} must be a string, and is a ${typeof other}: put it in quotes` : `${name} must be a string`,
  ];
}

function textFaults(field: string, value: unknown, maxLength: number): string[] {
  const isOther = typeof value === "boolean" || typeof value === "number";
  if (isOther) return [`${field} must be a non-empty string, and is a ${typeof value}: put it in quotes`];
  if (typeof value !== "string" || value === "") return [`${field} must be a non-empty string`];
  return value.length <= maxLength ? [] : [`${field} must have at most ${maxLength} characters`];
}
