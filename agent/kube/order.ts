import type { GroupKind } from "./names.ts";

/** Kinds that others need come first; custom resources after everything built in; what may refuse others, last. */
const RANKS: readonly (readonly string[])[] = [
  ["Namespace"],
  ["CustomResourceDefinition.apiextensions.k8s.io"],
  [
    "ServiceAccount",
    "LimitRange",
    "ResourceQuota",
    "PriorityClass.scheduling.k8s.io",
    "RuntimeClass.node.k8s.io",
    "IngressClass.networking.k8s.io",
  ],
  ["ClusterRole.rbac.authorization.k8s.io", "Role.rbac.authorization.k8s.io"],
  ["ClusterRoleBinding.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io"],
  ["ConfigMap", "Secret"],
  ["StorageClass.storage.k8s.io", "CSIDriver.storage.k8s.io", "PersistentVolume"],
  ["PersistentVolumeClaim"],
  ["Service", "Endpoints", "EndpointSlice.discovery.k8s.io", "NetworkPolicy.networking.k8s.io"],
];
const WORKLOADS = RANKS.length;
const CUSTOM = WORKLOADS + 1;
const GATES = CUSTOM + 1;
const GATE_GROUPS = ["admissionregistration.k8s.io", "apiregistration.k8s.io"];

/** When a kind's turn is: lower first. Built-in kinds not named here go with the workloads. */
function rankOf({ group, kind }: GroupKind): number {
  const name = group === "" ? kind : `${kind}.${group}`;
  const rank = RANKS.findIndex((names) => names.includes(name));
  if (rank >= 0) return rank;
  if (GATE_GROUPS.includes(group)) return GATES;
  return isBuiltIn(group) ? WORKLOADS : CUSTOM;
}

/** Things in the order to apply them: each wave when the one before is done. The reverse is the order to delete them. */
export function waves<T>(things: readonly T[], groupKindOf: (thing: T) => GroupKind): readonly (readonly T[])[] {
  const byRank = Map.groupBy(things, (thing) => rankOf(groupKindOf(thing)));
  return [...byRank.entries()].sort(([left], [right]) => left - right).map(([, wave]) => wave);
}

/** Whether it is a Namespace or a CustomResourceDefinition: other objects are in it, or of its type. */
export function holdsObjects(groupKind: GroupKind): boolean {
  return rankOf(groupKind) <= 1;
}

/** Whether the API server looks at objects of this kind when it decides whether to admit a Pod. */
export function decidesAdmission(groupKind: GroupKind): boolean {
  return rankOf(groupKind) === 2;
}

function isBuiltIn(group: string): boolean {
  return !group.includes(".") || group.endsWith(".k8s.io");
}
