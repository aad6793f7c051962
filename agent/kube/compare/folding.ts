import { FIELD_MANAGER, type KubernetesObject, type ManagedFields, type ObjectMeta } from "$lib/kubernetes.ts";
import {
  difference,
  type FieldSet,
  fieldSetOf,
  isEmptySet,
  isMember,
  isOwnEntry,
  newOwnEntry,
  nodeOf,
  ownFields,
  pathsBeyond,
  presentIn,
  union,
  withoutPointers,
} from "./field_sets.ts";

/** What folding decides by. */
export interface Folding {
  readonly live: KubernetesObject;
  /** The answer of the dry run, by which it is known what our manifest has; undefined where it was refused. */
  readonly after?: KubernetesObject;
  /**
   * The manifest, where there is no answer: what a person's fields are in the way of is taken out of it by the fold.
   */
  readonly manifest?: KubernetesObject;
  /** Whether we made the object; false for one that was there before us. */
  readonly isMade: boolean;
  /** Managers of tools that kept the object before us (`agent.former_managers`), by name. */
  readonly formerManagers: readonly string[];
  /** Pointers into the whole manifest, to fields that are left to whoever has them. */
  readonly left?: Left;
}

/** Fields that are left to others. */
export interface Left {
  readonly pointers: readonly string[];
  /** By which an index of a list is meant. */
  readonly manifest: KubernetesObject;
}

/**
 * The managed fields that the object should have, so that what people and former tools set is ours: then the next apply
 * takes out what the manifest does not have. Of an object that was there before us we take the fields that our manifest
 * has or had, and no others.
 *
 * @returns Undefined where nothing is to be taken.
 */
export function foldPlan(folding: Folding): readonly ManagedFields[] | undefined {
  const entries = entriesOf(folding);
  const { taken, all } = takenFrom(entries, folding);
  if (isEmptySet(all)) return undefined;
  const own = entries.find(isOwnEntry) ?? newEntry(folding, [...taken.keys()]);
  const others = entries.filter((entry) => !isOwnEntry(entry)).flatMap((entry) =>
    withoutFields(entry, taken.get(entry))
  );
  return [...others, { ...own, fieldsV1: union(fieldSetOf(own.fieldsV1), all) }];
}

/**
 * The fields, for people, that the next apply takes out because of {@linkcode foldPlan}: what is taken, the manifest
 * does not have, and no other manager has.
 */
export function foldedAway(folding: Folding): readonly string[] {
  const entries = entriesOf(folding);
  const { taken, all } = takenFrom(entries, folding);
  const kept = entries.filter((entry) => !taken.has(entry) && !isOwnEntry(entry)).map((entry) =>
    fieldSetOf(entry.fieldsV1)
  );
  return pathsBeyond(kept.reduce(difference, all), haveOf(folding, all));
}

interface Taken {
  /** What is taken of each entry that is folded. */
  readonly taken: ReadonlyMap<ManagedFields, FieldSet>;
  readonly all: FieldSet;
}

function takenFrom(entries: readonly ManagedFields[], folding: Folding): Taken {
  const foldable = entries.filter((entry) => isFoldable(entry, folding.formerManagers));
  const taken = new Map(foldable.map((entry) => [entry, takenOf(entry, folding)]));
  return { taken, all: [...taken.values()].reduce(union, {}) };
}

/**
 * Whether people or former tools set fields of the object itself. Enough for it is what `listMetadata` gives, entries
 * without their fields; of an object that was there before us, they may be fields that stay theirs.
 */
export function needsFold({ managedFields }: ObjectMeta, formerManagers: readonly string[] = []): boolean {
  return managedFields?.some((entry) => isFoldable(entry, formerManagers)) ?? false;
}

/** The JSON patch that gives a live object these managed fields; a conflict (409) when somebody wrote it meanwhile. */
export function foldPatch({ metadata }: KubernetesObject, managedFields: readonly ManagedFields[]): readonly unknown[] {
  const op = metadata.managedFields === undefined ? "add" : "replace";
  return [
    { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
    { op, path: "/metadata/managedFields", value: managedFields },
  ];
}

/** What an API server calls the manager of all that was there before an object's first apply. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/** Whether a manager of fields is a person, or a tool that kept the object before us: they are never fought with. */
export function isPersonOrFormer(manager: string, formerManagers: readonly string[]): boolean {
  return /^kubectl(-|$)/.test(manager) || manager === BEFORE_FIRST_APPLY || manager === "helm" ||
    (manager !== FIELD_MANAGER && formerManagers.includes(manager));
}

/** Whether an entry of managed fields is of such a one, and of the object itself. */
export function isFoldable({ manager = "", subresource }: ManagedFields, formerManagers: readonly string[]): boolean {
  return !subresource && isPersonOrFormer(manager, formerManagers);
}

/**
 * Where an object has lost its managed fields, the API server gives all of it to a manager of its own at the next
 * apply.
 */
function entriesOf({ live, after }: Folding): readonly ManagedFields[] {
  const { managedFields = [] } = live.metadata;
  if (managedFields.length > 0) return managedFields;
  return after?.metadata.managedFields?.filter(({ manager }) => manager === BEFORE_FIRST_APPLY) ?? [];
}

/** The status is nobody's to apply; a person's word on a live object that it is to stay is no drift. */
const LEFT_TO_OTHERS = ["/status", "/metadata/annotations/brokkr.io~1prune"];
/**
 * `kubectl rollout restart` leaves a time in a Pod template, `pause` a word: no differences from the manifest, but
 * deeds. What `kubectl rollout undo` brings back of an older template is a difference like any other.
 */
const DEEDS = ["/spec/template/metadata/annotations", "/spec/paused"];

function takenOf({ manager, fieldsV1 }: ManagedFields, folding: Folding): FieldSet {
  const { live, isMade, left } = folding;
  const byKind = manager === "kubectl-rollout" ? [...LEFT_TO_OTHERS, ...DEEDS] : LEFT_TO_OTHERS;
  const all = withoutPointers(fieldSetOf(fieldsV1), byKind, live);
  const fields = left === undefined ? all : withoutPointers(all, left.pointers, left.manifest);
  if (isMade) return fields;
  const had = ownFields(live);
  return knownBelow(fields, { have: haveOf(folding, union(fields, had)), had }, "");
}

function haveOf({ after, manifest }: Folding, all: FieldSet): FieldSet {
  if (after !== undefined) return ownFields(after);
  return manifest === undefined ? all : presentIn(all, manifest);
}

interface Manifests {
  /** What our manifest has at this place; undefined for nothing. */
  readonly have: FieldSet | undefined;
  /** What it had. */
  readonly had: FieldSet | undefined;
}

/** What of a node's fields our manifest has or had. */
function knownBelow(node: FieldSet, { have, had }: Manifests, under: string): FieldSet {
  return Object.fromEntries(
    Object.entries(node).flatMap(([element, below]) => {
      if (element === ".") return [];
      const known = knownNode(below, { have: have?.[element], had: had?.[element] }, { element, under });
      return known === undefined ? [] : [[element, known]];
    }),
  );
}

interface Place {
  readonly element: string;
  /** The element that this one is below. */
  readonly under: string;
}

function knownNode(node: FieldSet, { have, had }: Manifests, { element, under }: Place): FieldSet | undefined {
  const known = have ?? had;
  if (known === undefined) return undefined;
  if (isEmptySet(known) || (have === undefined && goesWhole(element, under))) return node;
  const below = knownBelow(node, { have, had }, isItem(element) ? under : element);
  return nodeOf(isMember(node), below);
}

/**
 * Fields of which an object may have one of several. When the manifest goes from one to another, what the API server
 * had filled in of the first one is in a person's entry, and half of it would stay and make the object invalid.
 */
export const ALTERNATIVES: ReadonlySet<string> = new Set(
  ["exec", "grpc", "httpGet", "tcpSocket", "sleep", "value", "valueFrom", "configMapKeyRef", "fieldRef", "fileKeyRef"]
    .concat([
      "resourceFieldRef",
      "secretKeyRef",
      "configMapRef",
      "secretRef",
      "rollingUpdate",
      "resource",
      "service",
      "webhook",
    ])
    .map((name) => `f:${name}`),
);

/**
 * Whether what our manifest has no more goes with all that is in it: an item of a list, or one of several alternatives.
 */
function goesWhole(element: string, under: string): boolean {
  return isItem(element) || under === "f:volumes" || ALTERNATIVES.has(element);
}

function isItem(element: string): boolean {
  return element.startsWith("k:");
}

function withoutFields(entry: ManagedFields, taken: FieldSet | undefined): readonly ManagedFields[] {
  if (taken === undefined) return [entry];
  const fieldsV1 = difference(fieldSetOf(entry.fieldsV1), taken);
  return isEmptySet(fieldsV1) ? [] : [{ ...entry, fieldsV1 }];
}

/** As of the latest of those whose fields it gets. */
function newEntry({ live, after }: Folding, folded: readonly ManagedFields[]): ManagedFields {
  const time = folded.flatMap((entry) => entry.time ?? []).sort().at(-1);
  return { ...newOwnEntry(after?.apiVersion ?? live.apiVersion), ...(time === undefined ? {} : { time }) };
}
