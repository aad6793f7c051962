import { type GroupKind, groupKindText } from "../names.ts";

/**
 * A bundle is brought stage by stage: what a stage needs is there when it is tried. Within a stage, and when deleting,
 * kinds have an order of their own.
 */
export const STAGES = [
  "types and classes",
  "accounts, roles and limits",
  "bindings",
  "configuration and workloads",
  "custom resources",
  "admission",
  "resources of other servers' APIs",
] as const;
/**
 * Of what an APIService of the bundle brings, of an API that does not answer, or of a custom type that there is not
 * yet: nothing else waits for it.
 */
export const OF_OTHER_SERVERS: Stage = 6;

/** The index of one of {@linkcode STAGES}. */
export type Stage = 0 | 1 | 2 | 3 | 4 | 5 | 6;

interface Rank {
  readonly stage: Stage;
  readonly kinds: readonly string[];
}

const RANKS: readonly Rank[] = [
  { stage: 0, kinds: ["Namespace"] },
  { stage: 0, kinds: ["CustomResourceDefinition.apiextensions.k8s.io"] },
  {
    stage: 0,
    kinds: [
      "PriorityClass.scheduling.k8s.io",
      "RuntimeClass.node.k8s.io",
      "IngressClass.networking.k8s.io",
      "StorageClass.storage.k8s.io",
      "CSIDriver.storage.k8s.io",
      "VolumeAttributesClass.storage.k8s.io",
      "DeviceClass.resource.k8s.io",
      "ClusterRole.rbac.authorization.k8s.io",
    ],
  },
  { stage: 1, kinds: ["ServiceAccount", "LimitRange", "ResourceQuota", "Role.rbac.authorization.k8s.io"] },
  { stage: 2, kinds: ["ClusterRoleBinding.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io"] },
  { stage: 3, kinds: ["ConfigMap", "Secret"] },
  { stage: 3, kinds: ["PersistentVolume"] },
  { stage: 3, kinds: ["PersistentVolumeClaim"] },
  {
    stage: 3,
    kinds: ["Service", "Endpoints", "EndpointSlice.discovery.k8s.io", "NetworkPolicy.networking.k8s.io"],
  },
];
const WORKLOADS = RANKS.length;
const CUSTOM = WORKLOADS + 1;
const GATES = CUSTOM + 1;
const GATE_GROUPS = ["admissionregistration.k8s.io", "apiregistration.k8s.io"];

/** When a kind's turn is: lower first. Built-in kinds not named here go with the workloads. */
function rankOf(groupKind: GroupKind): number {
  const name = groupKindText(groupKind);
  const rank = RANKS.findIndex(({ kinds }) => kinds.includes(name));
  if (rank >= 0) return rank;
  if (GATE_GROUPS.includes(groupKind.group)) return GATES;
  return isBuiltIn(groupKind.group) ? WORKLOADS : CUSTOM;
}

/** The stage in which an object is brought. */
export function stageOf(groupKind: GroupKind): Stage {
  const rank = rankOf(groupKind);
  if (rank === GATES) return 5;
  if (rank === CUSTOM) return 4;
  return RANKS[rank]?.stage ?? 3;
}

/**
 * Things in the order to write them: each wave when the one before is done. The reverse is the order to delete them.
 *
 * @param isLast What comes after all others, whatever its kind.
 */
export function waves<T>(
  things: readonly T[],
  groupKindOf: (thing: T) => GroupKind,
  isLast = (_: T): boolean => false,
): readonly (readonly T[])[] {
  const byRank = Map.groupBy(things, (thing) => isLast(thing) ? GATES + 1 : rankOf(groupKindOf(thing)));
  return [...byRank.entries()].sort(([left], [right]) => left - right).map(([, wave]) => wave);
}

/** The group that an APIService brings, by what it is called. */
export function broughtGroup(groupKind: GroupKind, name: string): string | undefined {
  const isApiService = groupKindText(groupKind) === "APIService.apiregistration.k8s.io";
  return isApiService ? name.slice(name.indexOf(".") + 1) : undefined;
}

/** Whether it is of a type that no Kubernetes has by itself. */
export function isCustom(groupKind: GroupKind): boolean {
  return rankOf(groupKind) === CUSTOM;
}

/** Whether it is a Namespace or a CustomResourceDefinition: other objects are in it, or of its type. */
export function holdsObjects(groupKind: GroupKind): boolean {
  return rankOf(groupKind) <= 1;
}

/** Whether the API server looks at objects of this kind when it decides whether to admit others. */
export function decidesAdmission(groupKind: GroupKind): boolean {
  const { stage } = RANKS[rankOf(groupKind)] ?? {};
  return stage !== undefined && stage <= 2 && !holdsObjects(groupKind);
}

/**
 * The groups of Kubernetes' own API server. Many others end alike: `metrics.k8s.io` is another server's, and
 * `gateway.networking.k8s.io` and `snapshot.storage.k8s.io` come with definitions.
 */
const BUILT_IN: ReadonlySet<string> = new Set([
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "internal.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
  "storagemigration.k8s.io",
]);

function isBuiltIn(group: string): boolean {
  return !group.includes(".") || BUILT_IN.has(group);
}
