import { isMapping } from "$lib/json.ts";
import type { KubernetesObject, ManagedFields } from "$lib/kubernetes.ts";
import {
  fieldOf,
  type FieldSet,
  fieldSetOf,
  isEmptySet,
  isOwnEntry,
  newOwnEntry,
  ownFields,
  owns,
  presentIn,
  union,
} from "./field_sets.ts";
import { ALTERNATIVES, type Folding, isFoldable } from "./folding.ts";
import { sameJson } from "./pointers.ts";

/** What is nothing without one of several alternatives: what is filled in of it must not stay without that. */
const HOLDERS: ReadonlySet<string> = new Set(
  ["livenessProbe", "readinessProbe", "startupProbe", "postStart", "preStop"].map((name) => `f:${name}`),
);
const VOLUMES = "volumes";
const VARIABLES = "env";
/** Lists whose items are known by `name` alone. */
const BY_NAME: readonly string[] = ["containers", "initContainers", "ephemeralContainers", VARIABLES, VOLUMES];

/**
 * The managed fields with which the next apply takes out what was filled in of alternatives that the manifest does not
 * have (the `rollingUpdate` of what is to be `Recreate`, the `emptyDir` of a volume that named none): by defaults,
 * which nobody owns, or for people and former tools. `kubectl apply` replaces those as a whole, an apply by the server
 * leaves them.
 *
 * @param formerManagers See `foldPlan`.
 * @returns Undefined where there is nothing that is not ours already.
 */
export function withLeftovers(
  live: KubernetesObject,
  manifest: KubernetesObject,
  formerManagers: readonly string[],
): readonly ManagedFields[] | undefined {
  return taking(live, leftovers(live, manifest, formerManagers), formerManagers);
}

/** The fields that {@linkcode withLeftovers} takes. */
export function leftovers(
  live: KubernetesObject,
  manifest: KubernetesObject,
  formerManagers: readonly string[],
): FieldSet {
  const { managedFields = [] } = live.metadata;
  const theirs = managedFields.filter((entry) => !isOursToTake(entry, formerManagers));
  return leftIn({ live, manifest, theirs: theirs.map(({ fieldsV1 }) => fieldSetOf(fieldsV1)) }, "");
}

/** Fields that an API server fills in as another name of these, and reads where these are not. */
const ALIASES: Readonly<Record<string, string>> = { "f:serviceAccountName": "f:serviceAccount" };

/**
 * The managed fields with which the next apply takes out a field that the manifest drops under its other name, too, by
 * which the API server would put it back, and what was filled in of fields that are others now.
 *
 * @param known The answer of the dry run, by which it is known what our manifest has; or, where it was refused, that.
 * @returns Undefined where there is nothing that is not ours already.
 */
export function withDependents(
  live: KubernetesObject,
  known: Pick<Folding, "after" | "manifest">,
  formerManagers: readonly string[],
): readonly ManagedFields[] | undefined {
  return taking(live, dependents(live, known), formerManagers);
}

/** The fields that {@linkcode withDependents} takes, those included that the manifest dropped itself. */
export function dependents(live: KubernetesObject, { after, manifest }: Pick<Folding, "after" | "manifest">): FieldSet {
  const had = ownFields(live);
  if (after !== undefined) return union(aliasesIn(had, ownFields(after)), outdatedIn(after));
  return manifest === undefined ? {} : aliasesIn(had, presentIn(had, manifest));
}

const POLICY_TYPES = "/spec/policyTypes";

/**
 * What a NetworkPolicy is about is filled in when it is made, of its rules then, and not when those change: rules for
 * what goes out would hold nothing back. Where nobody owns it, it is filled in anew.
 */
function outdatedIn(after: KubernetesObject): FieldSet {
  const { kind, apiVersion, metadata: { managedFields = [] } } = after;
  if (kind !== "NetworkPolicy" || !apiVersion.startsWith("networking.k8s.io/")) return {};
  const { egress, policyTypes } = isMapping(after.spec) ? after.spec : {};
  const filledIn = ["Ingress", ...(Array.isArray(egress) && egress.length > 0 ? ["Egress"] : [])];
  const isOwned = managedFields.some(({ fieldsV1 }) => owns(fieldSetOf(fieldsV1), fieldOf(POLICY_TYPES, after)));
  return isOwned || sameJson(policyTypes, filledIn) ? {} : { "f:spec": { "f:policyTypes": {} } };
}

function aliasesIn(had: FieldSet, have: FieldSet): FieldSet {
  const found = Object.entries(had).flatMap(([element, below]): [string, FieldSet][] => {
    const alias = ALIASES[element];
    if (alias !== undefined) return have[element] === undefined ? [[alias, {}], [element, {}]] : [];
    const inside = aliasesIn(below, have[element] ?? {});
    return isEmptySet(inside) ? [] : [[element, inside]];
  });
  return Object.fromEntries(found);
}

function isOursToTake(entry: ManagedFields, formerManagers: readonly string[]): boolean {
  return isOwnEntry(entry) || isFoldable(entry, formerManagers);
}

/** These fields become ours, of whoever had them that is no other program. */
function taking(
  live: KubernetesObject,
  fields: FieldSet,
  formerManagers: readonly string[],
): readonly ManagedFields[] | undefined {
  const { managedFields = [] } = live.metadata;
  const own = managedFields.find(isOwnEntry) ?? newOwnEntry(live.apiVersion);
  if (holds(fieldSetOf(own.fieldsV1), fields)) return undefined;
  const others = managedFields.filter((entry) => !isOwnEntry(entry)).flatMap((entry) => {
    if (!isOursToTake(entry, formerManagers)) return [entry];
    const fieldsV1 = without(fieldSetOf(entry.fieldsV1), fields);
    return isEmptySet(fieldsV1) ? [] : [{ ...entry, fieldsV1 }];
  });
  return [...others, { ...own, fieldsV1: union(fieldSetOf(own.fieldsV1), fields) }];
}

interface Pair {
  readonly live: unknown;
  readonly manifest: unknown;
  /** What other programs own at this place: that stays. */
  readonly theirs: readonly FieldSet[];
}

/** @param under The name of the field that this is in, or of the list of which this is an item. */
function leftIn({ live, manifest, theirs }: Pair, under: string): FieldSet {
  if (!isMapping(live) || !isMapping(manifest)) return {};
  const found = Object.entries(live).flatMap(([name, value]): [string, FieldSet][] => {
    const element = `f:${name}`;
    const below = theirs.flatMap((set) => set[element] ?? []);
    const wanted = manifest[name] ?? undefined;
    if (wanted === undefined) return isOneOf({ element, value }, under) && below.length === 0 ? [[element, {}]] : [];
    const pair = { live: value, manifest: wanted, theirs: below };
    const left = BY_NAME.includes(name) ? leftInItems(pair, name) : leftIn(pair, name);
    return isEmptySet(left) ? [] : [[element, left]];
  });
  return Object.fromEntries(found);
}

function leftInItems({ live, manifest, theirs }: Pair, list: string): FieldSet {
  if (!Array.isArray(live) || !Array.isArray(manifest)) return {};
  const found = manifest.filter(isMapping).flatMap(({ name, ...item }): [string, FieldSet][] => {
    const element = `k:${JSON.stringify({ name })}`;
    const same = live.find((one) => isMapping(one) && one.name === name);
    const below = theirs.flatMap((set) => set[element] ?? []);
    const left = leftIn({ live: same, manifest: { ...item, name }, theirs: below }, list);
    return isEmptySet(left) ? [] : [[element, left]];
  });
  return Object.fromEntries(found);
}

/** A text is one of several in a variable alone: elsewhere a label or a key of somebody's has such a name. */
function isOneOf({ element, value }: { readonly element: string; readonly value: unknown }, under: string): boolean {
  if (under === VOLUMES) return true;
  return (isMapping(value) || under === VARIABLES) && (ALTERNATIVES.has(element) || HOLDERS.has(element));
}

/** Whether all that is left is in the set, too. */
function holds(set: FieldSet, left: FieldSet): boolean {
  return Object.entries(left).every(([element, below]) => {
    const node = set[element];
    return node !== undefined && (isEmptySet(below) ? isEmptySet(node) || node["."] !== undefined : holds(node, below));
  });
}

/** The set without what is left, and without what is in that. */
function without(set: FieldSet, left: FieldSet): FieldSet {
  return Object.fromEntries(
    Object.entries(set).flatMap(([element, node]): [string, FieldSet][] => {
      const taken = left[element];
      if (taken === undefined) return [[element, node]];
      const rest = isEmptySet(taken) ? {} : without(node, taken);
      return isEmptySet(rest) ? [] : [[element, rest]];
    }),
  );
}
