import type { JsonObject } from "./json.ts";

/** A kind of object as the server serves it under one group and version. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly isNamespaced: boolean;
  readonly shortNames: readonly string[];
  readonly verbs: readonly string[];
  /** `status` when status is written on its own path only; `scale` when replicas can be. */
  readonly subresources: readonly string[];
  /** Whether `metadata.generation` counts the changes of the spec. */
  readonly hasGeneration: boolean;
  /** Set for a custom resource: the `openAPIV3Schema` of this version. */
  readonly schema?: JsonObject;
  /** False for a version of a custom resource that has no path. */
  readonly isServed?: boolean;
  /** Whether objects are kept in this version; left out where a kind has only one. */
  readonly isStorage?: boolean;
  /** The group under which the objects are kept, where the same ones are served under two. */
  readonly storageGroup?: string;
}

const ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** The resources that every simulated cluster serves; those of CRDs come on top. */
export const BUILT_IN: readonly ResourceType[] = [
  { ...core("Binding", "bindings"), verbs: ["create"] },
  core("ConfigMap", "configmaps", "cm"),
  core("Endpoints", "endpoints", "ep"),
  core("Event", "events", "ev"),
  core("LimitRange", "limitranges", "limits"),
  { ...wide(core("Namespace", "namespaces", "ns")), subresources: ["status"], verbs: without("deletecollection") },
  { ...wide(core("Node", "nodes", "no")), subresources: ["status"] },
  { ...core("PersistentVolumeClaim", "persistentvolumeclaims", "pvc"), subresources: ["status"] },
  { ...wide(core("PersistentVolume", "persistentvolumes", "pv")), subresources: ["status"] },
  { ...core("Pod", "pods", "po"), subresources: ["status"], hasGeneration: true },
  counted(core("ReplicationController", "replicationcontrollers", "rc"), "scale"),
  { ...core("ResourceQuota", "resourcequotas", "quota"), subresources: ["status"] },
  core("Secret", "secrets"),
  core("ServiceAccount", "serviceaccounts", "sa"),
  { ...core("Service", "services", "svc"), subresources: ["status"] },
  counted(resource("apps/v1", "DaemonSet", "daemonsets", "ds")),
  counted(resource("apps/v1", "Deployment", "deployments", "deploy"), "scale"),
  counted(resource("apps/v1", "ReplicaSet", "replicasets", "rs"), "scale"),
  counted(resource("apps/v1", "StatefulSet", "statefulsets", "sts"), "scale"),
  counted(resource("batch/v1", "CronJob", "cronjobs", "cj")),
  counted(resource("batch/v1", "Job", "jobs")),
  counted(resource("networking.k8s.io/v1", "Ingress", "ingresses", "ing")),
  { ...wide(resource("networking.k8s.io/v1", "IngressClass", "ingressclasses")), hasGeneration: true },
  { ...resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", "netpol"), hasGeneration: true },
  wide(resource("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles")),
  wide(resource("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings")),
  resource("rbac.authorization.k8s.io/v1", "Role", "roles"),
  resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
  counted(resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb")),
  {
    ...resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa"),
    subresources: ["status"],
  },
  wide(resource("storage.k8s.io/v1", "StorageClass", "storageclasses", "sc")),
  counted(
    wide(resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "crd", "crds")),
  ),
  { ...wide(resource("authentication.k8s.io/v1", "TokenReview", "tokenreviews")), verbs: ["create"] },
  { ...core("ComponentStatus", "componentstatuses", "cs"), isNamespaced: false, verbs: ["get", "list"] },
  resource("coordination.k8s.io/v1", "Lease", "leases"),
  hook("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
  hook("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
  hook("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
  hook("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
  { ...wide(resource("apiregistration.k8s.io/v1", "APIService", "apiservices")), subresources: ["status"] },
  resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  resource("apps/v1", "ControllerRevision", "controllerrevisions"),
  wide(resource("node.k8s.io/v1", "RuntimeClass", "runtimeclasses")),
  wide(resource("storage.k8s.io/v1", "CSIDriver", "csidrivers")),
  { ...resource("events.k8s.io/v1", "Event", "events", "ev"), storageGroup: "", isStorage: false },
  { ...wide(resource("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", "pc")), hasGeneration: true },
];

/** `v1` for the core group, else `apps/v1`. */
export function apiVersionOf(type: { group: string; version: string }): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** The path of the resource, or of one object of it. */
export function pathOf(type: ResourceType, namespace: string | undefined, name?: string): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.isNamespaced && namespace !== undefined ? `/namespaces/${namespace}` : "";
  return `${root}${scope}/${type.plural}${name === undefined ? "" : `/${name}`}`;
}

function hook(kind: string, plural: string): ResourceType {
  return { ...wide(resource("admissionregistration.k8s.io/v1", kind, plural)), hasGeneration: true };
}

function core(kind: string, plural: string, ...shortNames: string[]): ResourceType {
  return resource("v1", kind, plural, ...shortNames);
}

function resource(apiVersion: string, kind: string, plural: string, ...shortNames: string[]): ResourceType {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return {
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    isNamespaced: true,
    shortNames,
    verbs: ALL_VERBS,
    subresources: [],
    hasGeneration: false,
  };
}

/** Cluster-scoped. */
function wide(type: ResourceType): ResourceType {
  return { ...type, isNamespaced: false };
}

/** With a status of its own and a generation. */
function counted(type: ResourceType, ...more: string[]): ResourceType {
  return { ...type, subresources: ["status", ...more], hasGeneration: true };
}

function without(verb: string): readonly string[] {
  return ALL_VERBS.filter((other) => other !== verb);
}
