import { isJsonObject, type Json, type JsonObject, listOr, objectOr } from "../json.ts";
import type { ResourceType } from "../resources.ts";

/** How the items of a list are told apart: not at all, by value, or by the fields that name one. */
export type Rule = "atomic" | "set" | readonly string[];

/** What ownership must know of a field: whether it is owned whole, and what is below it. */
export interface FieldKind {
  /** Whether a map here is owned as a whole. */
  readonly isAtomicMap: boolean;
  /** How a list here is owned. */
  readonly list: Rule;
  /** Whether the map here has the field by its type, rather than as a free key. */
  hasField(field: string): boolean;
  field(field: string): FieldKind;
  item(): FieldKind;
}

/** What an absent key field of a list item counts as. */
const KEY_DEFAULTS: Record<string, string> = { protocol: "TCP" };

/** The kind of a whole object. */
export function kindOf(type: ResourceType): FieldKind {
  const metadata = builtIn(type.kind, ["metadata"]);
  const own = type.schema === undefined ? builtIn(type.kind, []) : custom(type.schema);
  return { ...own, field: (field) => field === "metadata" ? metadata : own.field(field) };
}

/** The `k:{…}` or `v:…` element of an item. */
export function itemElement(rule: Exclude<Rule, "atomic">, item: Json): string {
  if (rule === "set") return `v:${JSON.stringify(item)}`;
  const fields = objectOr(item);
  const named = [...rule].sort().map((key) => [key, fields[key] ?? KEY_DEFAULTS[key]]);
  return `k:${JSON.stringify(Object.fromEntries(named))}`;
}

const KEYED: Record<string, readonly string[]> = {
  ...byName("containers", "initContainers", "ephemeralContainers", "env", "volumes", "imagePullSecrets"),
  ...byName("secrets", "resourceClaims", "schedulingGates", "claims", "webhooks", "matchConditions", "variables"),
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  hostAliases: ["ip"],
  podIPs: ["ip"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  conditions: ["type"],
  ownerReferences: ["uid"],
};

/** Maps that are owned as a whole, by field name. */
const ATOMIC_MAPS = new Set([
  ...["selector", "nodeSelector", "labelSelector", "namespaceSelector", "objectSelector", "podSelector"],
  ...["secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef", "secretRef", "roleRef", "claimRef"],
  ...["dataSource", "scopeSelector", "requiredDuringSchedulingIgnoredDuringExecution", "preference", "targetRef"],
  ...["involvedObject", "related", "regarding", "matchResources", "matchConstraints", "paramRef", "paramKind"],
]);

/** Maps of free keys whose values are maps; those of scalars need no telling apart. */
const FREE_MAPS = new Set(["properties", "patternProperties", "definitions", "disruptedPods"]);

/** `configMapRef` and `secretRef` of `envFrom` and volumes stand in lists that are owned whole anyway. */
function builtIn(kind: string, path: readonly string[]): FieldKind {
  const name = path.at(-1) ?? "";
  return {
    isAtomicMap: ATOMIC_MAPS.has(name) || (name === "port" && kind === "Ingress") || isReference(path),
    list: listRule(kind, path),
    hasField: () => !FREE_MAPS.has(name),
    field: (field) => builtIn(kind, [...path, field]),
    item: () => builtIn(kind, [...path, ""]),
  };
}

/** Items of these lists name other objects, and are owned as a whole. */
function isReference(path: readonly string[]): boolean {
  return path.at(-1) === "" && ["secrets", "imagePullSecrets", "ownerReferences"].includes(path.at(-2) ?? "");
}

function listRule(kind: string, path: readonly string[]): Rule {
  const [name = "", , holder] = [...path].reverse();
  if (path[0] === "metadata" && name === "finalizers") return "set";
  if (name === "imagePullSecrets" && kind === "ServiceAccount") return "atomic";
  if (name === "ports") return portRule(kind, holder);
  if (name === "conditions" && kind === "Job") return "atomic";
  if (name === "addresses" && kind === "Node") return ["type"];
  if (name === "podCIDRs") return "set";
  return KEYED[name] ?? "atomic";
}

function portRule(kind: string, holder: string | undefined): Rule {
  if (kind === "Service") return ["port", "protocol"];
  return ["containers", "initContainers", "ephemeralContainers"].includes(holder ?? "")
    ? ["containerPort", "protocol"]
    : "atomic";
}

/** The kind of a custom resource's field, by the `x-kubernetes-…` marks of its schema. */
function custom(schema: JsonObject): FieldKind {
  const properties = objectOr(schema.properties);
  return {
    isAtomicMap: schema["x-kubernetes-map-type"] === "atomic",
    list: customListRule(schema),
    hasField: (field) => properties[field] !== undefined,
    field: (field) => custom(objectOr(properties[field] ?? schema.additionalProperties)),
    item: () => custom(objectOr(schema.items)),
  };
}

function customListRule(schema: JsonObject): Rule {
  if (schema["x-kubernetes-list-type"] === "set") return "set";
  const keys = listOr(schema["x-kubernetes-list-map-keys"]).map(String);
  return schema["x-kubernetes-list-type"] === "map" && isJsonObject(schema.items) ? keys : "atomic";
}

function byName(...lists: string[]): Record<string, readonly string[]> {
  return Object.fromEntries(lists.map((list) => [list, ["name"]]));
}
