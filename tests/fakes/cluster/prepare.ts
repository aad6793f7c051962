import { invalid } from "./failure.ts";
import { at, type JsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { takenPorts, withAddresses } from "./service_addresses.ts";

/** A new object with what the server adds to its kind: an address, a status. */
export function admitted(type: ResourceType, object: KubeObject, services: Iterable<KubeObject>): KubeObject {
  if (type.kind === "Service") checkPorts(type, object, services);
  if (type.kind === "Service") return withAddresses(withFirstStatus(object), services);
  if (type.kind === "Pod") return withAccount(withFirstStatus(object));
  if (type.kind === "DaemonSet") return withTemplateGeneration(withFirstStatus(object));
  if (type.kind === "Job") return withJobSelector(withFirstStatus(object));
  if (type.kind === "PersistentVolumeClaim") return protectedClaim(withFirstStatus(object));
  if (type.kind === "CustomResourceDefinition") return withEmptyStatus(object);
  if (type.kind === "Namespace") return withFinalizer(withFirstStatus(object));
  return withFirstStatus(object);
}

/** Refuses a Service, new or changed, that names ports of the nodes that another one has. */
export function checkPorts(type: ResourceType, service: KubeObject, services: Iterable<KubeObject>): void {
  const causes = takenPorts(service, [...services].filter(({ metadata }) => metadata.uid !== service.metadata.uid));
  if (causes.length > 0) throw invalid(type, service.metadata.name, causes);
}

const STATUSES: Record<string, JsonObject> = {
  Deployment: {},
  DaemonSet: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  ReplicaSet: { replicas: 0 },
  PodDisruptionBudget: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
  HorizontalPodAutoscaler: { currentMetrics: null, desiredReplicas: 0 },
  StatefulSet: { replicas: 0, availableReplicas: 0 },
  Job: {},
  CronJob: {},
  Namespace: { phase: "Active" },
  Service: { loadBalancer: {} },
  Ingress: { loadBalancer: {} },
  PersistentVolumeClaim: { phase: "Pending" },
  ResourceQuota: {},
  APIService: {},
  Pod: { phase: "Pending", qosClass: "BestEffort" },
};

function withFirstStatus(object: KubeObject): KubeObject {
  const status = STATUSES[object.kind];
  return status === undefined || object.status !== undefined ? object : { ...object, status };
}

/** Kubernetes itself holds every namespace until it is empty. */
function withFinalizer(namespace: KubeObject): KubeObject {
  return { ...namespace, spec: { finalizers: ["kubernetes"], ...objectOr(namespace.spec) } };
}

function withEmptyStatus(crd: KubeObject): KubeObject {
  const status = { conditions: null, acceptedNames: { plural: "", kind: "" }, storedVersions: storageVersions(crd) };
  return { ...crd, status };
}

/** The status of a changed definition: a version in which objects were ever kept stays named there. */
export function withStoredVersions(live: KubeObject, next: KubeObject): JsonObject {
  const before = listOr(at(live, "status", "storedVersions")).map(String);
  return { ...objectOr(live.status), storedVersions: [...new Set([...before, ...storageVersions(next)])] };
}

function storageVersions(crd: KubeObject): string[] {
  const versions = listOr(at(crd, "spec", "versions")).map(objectOr);
  return versions.filter((version) => version.storage === true).map((version) => String(version.name));
}

/** An annotation that the server writes on every DaemonSet, and nobody owns. */
function withTemplateGeneration(set: KubeObject): KubeObject {
  const annotations = { ...set.metadata.annotations, "deprecated.daemonset.template.generation": "1" };
  return { ...set, metadata: { ...set.metadata, annotations } };
}

/** A pod without an account of its own runs under the default one. */
function withAccount(pod: KubeObject): KubeObject {
  const spec = objectOr(pod.spec);
  const name = spec.serviceAccountName ?? "default";
  const added = {
    serviceAccountName: name,
    serviceAccount: name,
    priority: 0,
    preemptionPolicy: "PreemptLowerPriority",
  };
  return { ...pod, spec: { ...added, ...spec } };
}

/** The finalizer under which a claim waits until no pod uses it. */
export const CLAIM_PROTECTION = "kubernetes.io/pvc-protection";

function protectedClaim(claim: KubeObject): KubeObject {
  const finalizers = claim.metadata.finalizers ?? [];
  if (finalizers.includes(CLAIM_PROTECTION)) return claim;
  return { ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers, CLAIM_PROTECTION] } };
}

/** A Job's pods are told apart by its uid, in labels that the server adds to it and to their template. */
function withJobSelector(job: KubeObject): KubeObject {
  const { name, uid = "" } = job.metadata;
  const spec = objectOr(job.spec);
  if (spec.manualSelector === true) return job;
  const template = objectOr(spec.template);
  const added = {
    "job-name": name,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "batch.kubernetes.io/controller-uid": uid,
  };
  const labels = { ...added, ...objectOr(at(template, "metadata", "labels")) };
  return {
    ...job,
    metadata: { ...job.metadata, labels: { ...added, ...job.metadata.labels } },
    spec: {
      ...spec,
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uid } },
      template: { ...template, metadata: { ...objectOr(template.metadata), labels } },
    },
  };
}
