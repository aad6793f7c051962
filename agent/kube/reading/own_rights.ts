import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";
import type { Desired } from "../desired.ts";
import type { NamedObject, OwnAccount } from "./own_pod_parts.ts";

const APIVERSION = "rbac.authorization.k8s.io/v1";

/** Where bindings of one namespace are. */
export const NAMESPACED_BINDINGS: ApiResource = {
  apiVersion: APIVERSION,
  kind: "RoleBinding",
  resource: "rolebindings",
  namespaced: true,
  verbs: [],
};
/** Where bindings of the whole cluster are. */
export const CLUSTER_BINDINGS: ApiResource = {
  apiVersion: APIVERSION,
  kind: "ClusterRoleBinding",
  resource: "clusterrolebindings",
  namespaced: false,
  verbs: [],
};
const BINDINGS = ["RoleBinding", "ClusterRoleBinding"];
const RIGHTS = ["Role", "ClusterRole", ...BINDINGS];

/** Whether an object says who may do what. */
export function isRights({ groupKind: { kind } }: Pick<Desired, "groupKind">): boolean {
  return RIGHTS.includes(kind);
}

/**
 * Whether a binding, in the cluster or in a bundle, gives this very account rights; groups that it is in do not count.
 */
export function bindsAccount(binding: KubernetesObject, { namespace, name }: OwnAccount): boolean {
  if (!BINDINGS.includes(binding.kind)) return false;
  const { subjects } = binding as Binding;
  if (!Array.isArray(subjects)) return false;
  return (subjects as readonly Subject[]).some((subject) =>
    subject?.kind === "ServiceAccount"
      ? subject.name === name && (subject.namespace ?? binding.metadata.namespace) === namespace
      : subject?.kind === "User" && subject.name === `system:serviceaccount:${namespace}:${name}`
  );
}

/** A binding and the role that it gives. */
export function boundNames(binding: KubernetesObject): readonly NamedObject[] {
  const { kind, metadata: { name, namespace } } = binding;
  const { roleRef } = binding as Binding;
  const role = roleRef?.kind === "Role" ? { namespace } : {};
  return [{ kind, namespace, name }, { kind: roleRef?.kind ?? "", name: roleRef?.name ?? "", ...role }];
}

interface Binding extends KubernetesObject {
  readonly subjects?: unknown;
  readonly roleRef?: { readonly kind: string; readonly name: string };
}

interface Subject {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}
