import { at, isJsonObject, type Json, type JsonObject, listOr, objectOr } from "./json.ts";
import { filledIn, podSpec } from "./pod_defaults.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { canonical } from "./canonical.ts";
import { withApiServiceDefaults, withWebhookDefaults } from "./webhook_defaults.ts";
import { withSchemaDefaults } from "./schema.ts";
import { withStrategy } from "./strategies.ts";

const SPECS: Record<string, JsonObject> = {
  Deployment: {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  },
  StatefulSet: {
    replicas: 1,
    podManagementPolicy: "OrderedReady",
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    revisionHistoryLimit: 10,
  },
  DaemonSet: {
    revisionHistoryLimit: 10,
  },
  ReplicaSet: { replicas: 1 },
  Job: {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: "TerminatingOrFailed",
  },
  CronJob: { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
  Service: {
    type: "ClusterIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
  },
  PersistentVolumeClaim: { volumeMode: "Filesystem" },
  HorizontalPodAutoscaler: { minReplicas: 1 },
  CustomResourceDefinition: { conversion: { strategy: "None" } },
};

/** The object with what the server fills in when the client leaves it out. */
export function withDefaults(type: ResourceType, object: KubeObject): KubeObject {
  if (type.schema !== undefined) {
    const metadata = canonical(object.metadata) as KubeObject["metadata"];
    return withSchemaDefaults(type.schema, { ...object, metadata });
  }
  const filled = { ...object };
  const spec = SPECS[type.kind];
  if (spec !== undefined) filled.spec = filledIn(filled.spec, spec);
  const own = BY_KIND[type.kind];
  const whole = withStrategy(type.kind, filled);
  return canonical(own === undefined ? whole : own(whole));
}

const EVENT = {
  eventTime: null,
  firstTimestamp: null,
  lastTimestamp: null,
  reportingComponent: "",
  reportingInstance: "",
};

const BY_KIND: Record<string, (object: KubeObject) => KubeObject> = {
  Deployment: withTemplateDefaults,
  StatefulSet: (set) => withTemplateDefaults(withClaimTemplates(set)),
  DaemonSet: withTemplateDefaults,
  ReplicaSet: withTemplateDefaults,
  Role: (role) => ({ ...role, rules: listOr(role.rules).length === 0 ? null : role.rules }),
  NetworkPolicy: withPolicyTypes,
  Job: withTemplateDefaults,
  CronJob: withJobTemplateDefaults,
  Pod: (pod) => ({ ...pod, spec: { enableServiceLinks: true, ...podSpec(pod.spec) } }),
  Event: (event) => event.apiVersion === "v1" ? { ...EVENT, ...event } : { eventTime: null, ...event },
  ValidatingWebhookConfiguration: withWebhookDefaults,
  MutatingWebhookConfiguration: withWebhookDefaults,
  APIService: withApiServiceDefaults,
  StorageClass: (own) => ({ reclaimPolicy: "Delete", volumeBindingMode: "Immediate", ...own }),
  PriorityClass: (own) => ({ preemptionPolicy: "PreemptLowerPriority", ...own }),
  Service: withPortDefaults,
  ConfigMap: withoutEmptyMaps,
  Secret: withSecretDefaults,
  Namespace: withNamespaceDefaults,
  RoleBinding: withBindingDefaults,
  ClusterRoleBinding: withBindingDefaults,
  CustomResourceDefinition: withNameDefaults,
};

function withClaimTemplates(set: KubeObject): KubeObject {
  const spec = objectOr(set.spec);
  if (!Array.isArray(spec.volumeClaimTemplates)) return set;
  const head = { apiVersion: "v1", kind: "PersistentVolumeClaim", spec: { volumeMode: "Filesystem" } };
  const templates = spec.volumeClaimTemplates.map((template) =>
    filledIn(template, { ...head, status: { phase: "Pending" } })
  );
  return { ...set, spec: { ...spec, volumeClaimTemplates: templates } };
}

function withJobTemplateDefaults(cronJob: KubeObject): KubeObject {
  const jobTemplate = objectOr(at(cronJob, "spec", "jobTemplate"));
  const template = objectOr(at(jobTemplate, "spec", "template"));
  if (!isJsonObject(template.spec)) return cronJob;
  const spec = { ...objectOr(jobTemplate.spec), template: { ...template, spec: podSpec(template.spec) } };
  return { ...cronJob, spec: { ...objectOr(cronJob.spec), jobTemplate: { ...jobTemplate, spec } } };
}

function withTemplateDefaults(object: KubeObject): KubeObject {
  const template = objectOr(at(object, "spec", "template"));
  if (!isJsonObject(template.spec)) return object;
  return { ...object, spec: { ...objectOr(object.spec), template: { ...template, spec: podSpec(template.spec) } } };
}

function withPolicyTypes(policy: KubeObject): KubeObject {
  const spec = objectOr(policy.spec);
  const types = Array.isArray(spec.egress) ? ["Ingress", "Egress"] : ["Ingress"];
  const ruled: JsonObject = { policyTypes: types, ...spec };
  for (const direction of ["ingress", "egress"]) {
    if (Array.isArray(spec[direction])) ruled[direction] = spec[direction].map(withProtocols);
  }
  return { ...policy, spec: ruled };
}

function withProtocols(rule: Json): JsonObject {
  const { ports, ...others } = objectOr(rule);
  if (!Array.isArray(ports)) return others;
  return { ...others, ports: ports.map((port) => filledIn(port, { protocol: "TCP" })) };
}

function withPortDefaults(service: KubeObject): KubeObject {
  const { internalTrafficPolicy, ...bare } = objectOr(service.spec);
  const isOpen = bare.type === "NodePort" || bare.type === "LoadBalancer";
  const inside: JsonObject = bare.type === "ExternalName" ? bare : { ...bare, internalTrafficPolicy };
  const spec: JsonObject = isOpen ? { externalTrafficPolicy: "Cluster", ...inside } : inside;
  if (!Array.isArray(spec.ports)) return { ...service, spec };
  const ports = listOr(spec.ports).map((port) =>
    filledIn(port, { protocol: "TCP", targetPort: objectOr(port).port ?? null })
  );
  return { ...service, spec: { ...spec, ports } };
}

/** Empty maps are not kept. */
function withoutEmptyMaps(object: KubeObject): KubeObject {
  const isEmpty = (value: unknown) => isJsonObject(value) && Object.keys(value).length === 0;
  return Object.fromEntries(Object.entries(object).filter(([, value]) => !isEmpty(value))) as KubeObject;
}

/** `stringData` is written in plain text and kept encoded, in `data`. */
function withSecretDefaults(secret: KubeObject): KubeObject {
  const { stringData, ...kept } = secret;
  const filled = { ...kept, type: kept.type ?? "Opaque" } as KubeObject;
  if (!isJsonObject(stringData)) return withoutEmptyMaps(filled);
  const encoded = Object.entries(stringData).map(([key, text]) => [key, base64(String(text))]);
  return { ...filled, data: { ...objectOr(kept.data), ...Object.fromEntries(encoded) } };
}

function withNamespaceDefaults(namespace: KubeObject): KubeObject {
  const { metadata } = namespace;
  const labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  return { ...namespace, metadata: { ...metadata, labels }, spec: objectOr(namespace.spec) };
}

function withBindingDefaults(binding: KubeObject): KubeObject {
  const group = "rbac.authorization.k8s.io";
  const subjects = listOr(binding.subjects).map((subject) => {
    const isAccount = objectOr(subject).kind === "ServiceAccount";
    return isAccount ? subject : filledIn(subject, { apiGroup: group });
  });
  const filled = { ...binding, roleRef: filledIn(binding.roleRef, { apiGroup: group }) };
  return subjects.length === 0 ? filled : { ...filled, subjects };
}

function withNameDefaults(crd: KubeObject): KubeObject {
  const kind = String(at(crd, "spec", "names", "kind") ?? "");
  const names = filledIn(at(crd, "spec", "names"), { singular: kind.toLowerCase(), listKind: `${kind}List` });
  return { ...crd, spec: { ...objectOr(crd.spec), names } };
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
