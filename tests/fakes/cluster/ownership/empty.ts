import type { JsonObject } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { apiVersionOf, type ResourceType } from "../resources.ts";

const TEMPLATE: JsonObject = { metadata: {}, spec: { containers: null } };

const SPECS: Record<string, JsonObject> = {
  Deployment: { selector: null, template: TEMPLATE, strategy: {} },
  StatefulSet: { selector: null, template: TEMPLATE, updateStrategy: {}, serviceName: "" },
  DaemonSet: { selector: null, template: TEMPLATE, updateStrategy: {} },
  ReplicaSet: { selector: null },
  Job: { template: TEMPLATE },
  CronJob: { schedule: "", jobTemplate: { metadata: {}, spec: { template: TEMPLATE } } },
  Pod: { containers: null },
  PersistentVolumeClaim: { resources: {} },
  HorizontalPodAutoscaler: { scaleTargetRef: { kind: "", name: "" }, maxReplicas: 0 },
  NetworkPolicy: { podSelector: {} },
  CustomResourceDefinition: { group: "", names: { plural: "", kind: "" }, scope: "", versions: null },
  LimitRange: { limits: null },
};

const WITH_SPEC = [
  ...["Service", "Namespace", "Node", "PersistentVolume", "ReplicationController", "ResourceQuota", "Ingress"],
  ...["IngressClass", "PodDisruptionBudget", "Lease", "APIService"],
];

const OTHERS: Record<string, JsonObject> = {
  Role: { rules: null },
  ClusterRole: { rules: null },
  RoleBinding: { roleRef: { apiGroup: "", kind: "", name: "" } },
  ClusterRoleBinding: { roleRef: { apiGroup: "", kind: "", name: "" } },
  Event: {
    involvedObject: {},
    source: {},
    reportingComponent: "",
    reportingInstance: "",
    eventTime: null,
    firstTimestamp: null,
    lastTimestamp: null,
  },
  StorageClass: { provisioner: "" },
  PriorityClass: { value: 0 },
};

/**
 * What the server takes for "nothing was there": the parts of a kind that its type always writes count as present, so
 * that nobody comes to own them by making the object.
 */
export function emptyObject(type: ResourceType): KubeObject {
  const head = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { name: "" } };
  if (type.schema !== undefined) return head;
  const spec = SPECS[type.kind] ?? (WITH_SPEC.includes(type.kind) ? {} : undefined);
  const status = type.subresources.includes("status") ? { status: {} } : {};
  return { ...head, ...(spec === undefined ? {} : { spec }), ...status, ...OTHERS[type.kind] };
}
