import type { ResourceType } from "./resources.ts";

/** How the parts of a list or map are owned: as a whole, by value, or by the fields that name an item. */
export type Rule = "atomic" | "set" | readonly string[];

/** The rule for the list at a path of `f:…` and `k:…` elements. */
export type ListRules = (path: readonly string[]) => Rule;

const KEYED: Record<string, readonly string[]> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  env: ["name"],
  volumes: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  imagePullSecrets: ["name"],
  hostAliases: ["ip"],
  secrets: ["name"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  conditions: ["type"],
  ownerReferences: ["uid"],
};

/** Maps that are owned as a whole, by field name. */
const ATOMIC_MAPS = ["selector", "nodeSelector", "secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef"];

/** What an absent key field of a list item counts as. */
export const KEY_DEFAULTS: Record<string, string> = { protocol: "TCP" };

/** The rules of a resource: those of the built-in kinds by the name of the list, custom resources own lists whole. */
export function listRules(type: ResourceType): ListRules {
  return (path) => {
    const name = (path.at(-1) ?? "").slice(2);
    const isMetadata = path[0] === "f:metadata";
    if (isMetadata && name === "finalizers") return "set";
    if (type.schema !== undefined && !isMetadata) return "atomic";
    if (name === "ports") return portRule(type, path);
    return KEYED[name] ?? "atomic";
  };
}

/** Whether the map at this path is owned as a whole. */
export function isAtomicMap(type: ResourceType, path: readonly string[]): boolean {
  return type.schema === undefined && path.length > 1 && ATOMIC_MAPS.includes((path.at(-1) ?? "").slice(2));
}

function portRule(type: ResourceType, path: readonly string[]): Rule {
  if (type.kind === "Service") return ["port", "protocol"];
  return path.some((element) => element.startsWith("k:")) ? ["containerPort", "protocol"] : "atomic";
}
