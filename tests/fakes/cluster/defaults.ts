import { at, isJsonObject, type Json, type JsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { withSchemaDefaults } from "./schema.ts";

const ROLLING = { type: "RollingUpdate" };

const SPECS: Record<string, JsonObject> = {
  Deployment: {
    replicas: 1,
    strategy: { ...ROLLING, rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  },
  StatefulSet: {
    replicas: 1,
    podManagementPolicy: "OrderedReady",
    updateStrategy: { ...ROLLING, rollingUpdate: { partition: 0 } },
    revisionHistoryLimit: 10,
  },
  DaemonSet: {
    updateStrategy: { ...ROLLING, rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    revisionHistoryLimit: 10,
  },
  ReplicaSet: { replicas: 1 },
  Job: { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: "NonIndexed", suspend: false },
  CronJob: { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
  Service: {
    type: "ClusterIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
  },
  PersistentVolumeClaim: { volumeMode: "Filesystem" },
  CustomResourceDefinition: { conversion: { strategy: "None" } },
};

const STATUSES: Record<string, JsonObject> = {
  Deployment: {},
  Job: {},
  CronJob: {},
  Namespace: { phase: "Active" },
  Service: { loadBalancer: {} },
  Ingress: { loadBalancer: {} },
  PersistentVolumeClaim: { phase: "Pending" },
  Pod: { phase: "Pending", qosClass: "BestEffort" },
};

const POD: JsonObject = {
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
};

const CONTAINER: JsonObject = {
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

/** The object with what the server fills in when the client leaves it out. */
export function withDefaults(type: ResourceType, object: KubeObject): KubeObject {
  if (type.schema !== undefined) return withSchemaDefaults(type.schema, object);
  const filled = { ...object };
  const spec = SPECS[type.kind];
  if (spec !== undefined) filled.spec = filledIn(filled.spec, spec);
  const status = STATUSES[type.kind];
  if (status !== undefined && filled.status === undefined) filled.status = status;
  const own = BY_KIND[type.kind];
  return own === undefined ? filled : own(filled);
}

const BY_KIND: Record<string, (object: KubeObject) => KubeObject> = {
  Deployment: withTemplateDefaults,
  StatefulSet: withTemplateDefaults,
  DaemonSet: withTemplateDefaults,
  ReplicaSet: withTemplateDefaults,
  Job: withTemplateDefaults,
  Pod: (pod) => ({ ...pod, spec: podSpec(pod.spec) }),
  Service: withPortDefaults,
  ConfigMap: withoutEmptyMaps,
  Secret: withSecretDefaults,
  Namespace: withNamespaceDefaults,
  RoleBinding: withBindingDefaults,
  ClusterRoleBinding: withBindingDefaults,
  CustomResourceDefinition: withNameDefaults,
};

function withTemplateDefaults(object: KubeObject): KubeObject {
  const template = objectOr(at(object, "spec", "template"));
  if (!isJsonObject(template.spec)) return object;
  return { ...object, spec: { ...objectOr(object.spec), template: { ...template, spec: podSpec(template.spec) } } };
}

function podSpec(spec: Json | undefined): JsonObject {
  const filled = filledIn(spec, POD);
  if (Array.isArray(filled.containers)) filled.containers = filled.containers.map(container);
  if (Array.isArray(filled.initContainers)) filled.initContainers = filled.initContainers.map(container);
  return filled;
}

function container(value: Json): JsonObject {
  const image = String(objectOr(value).image ?? "");
  const isLatest = image.endsWith(":latest") || !image.split("/").at(-1)?.includes(":");
  const filled = filledIn(value, { ...CONTAINER, imagePullPolicy: isLatest ? "Always" : "IfNotPresent" });
  if (Array.isArray(filled.ports)) filled.ports = filled.ports.map((port) => filledIn(port, { protocol: "TCP" }));
  return filled;
}

function withPortDefaults(service: KubeObject): KubeObject {
  const spec = objectOr(service.spec);
  if (!Array.isArray(spec.ports)) return service;
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
  const isGoing = metadata.deletionTimestamp !== undefined;
  const spec = isGoing ? namespace.spec : filledIn(namespace.spec, { finalizers: ["kubernetes"] });
  return { ...namespace, metadata: { ...metadata, labels }, spec };
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

/** The value with the fields that only the defaults have, at any depth. */
function filledIn(value: Json | undefined, defaults: JsonObject): JsonObject {
  const filled = { ...objectOr(value) };
  for (const [field, wanted] of Object.entries(defaults)) {
    const present = filled[field];
    if (present === undefined) filled[field] = wanted;
    else if (isJsonObject(wanted) && isJsonObject(present)) filled[field] = filledIn(present, wanted);
  }
  return filled;
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
