import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { HealthStatus } from "$lib/wire/event.ts";
import {
  apiServiceHealth,
  claimHealth,
  conditionsHealth,
  controllerHealth,
  definitionHealth,
  disruptionBudgetHealth,
  serviceHealth,
} from "./others.ts";
import { endOfPods, podHealth, troubleOfPods } from "./pods.ts";
import {
  degraded,
  fieldsOf,
  HEALTHY,
  numberOf,
  type ObjectHealth,
  progressing,
  statusOf,
  withMessage,
} from "./status.ts";
import { daemonSetHealth, deploymentHealth, jobHealth, replicaSetHealth, statefulSetHealth } from "./workloads.ts";
import { type GroupKind, groupKindOf, groupKindText } from "../names.ts";

export { podSelectorOf } from "./pods.ts";
export type { ObjectHealth } from "./status.ts";

/** The kinds with a rule of their own. */
const RULES: ReadonlyMap<string, (object: KubernetesObject) => ObjectHealth> = new Map([
  ["Pod", podHealth],
  ["Service", serviceHealth],
  ["PersistentVolumeClaim", claimHealth],
  ["ReplicationController", replicaSetHealth],
  ["Deployment.apps", deploymentHealth],
  ["StatefulSet.apps", statefulSetHealth],
  ["DaemonSet.apps", daemonSetHealth],
  ["ReplicaSet.apps", replicaSetHealth],
  ["Job.batch", jobHealth],
  ["PodDisruptionBudget.policy", disruptionBudgetHealth],
  ["CustomResourceDefinition.apiextensions.k8s.io", definitionHealth],
  ["APIService.apiregistration.k8s.io", apiServiceHealth],
]);

/** Kinds that are healthy as soon as they are there: they have no status, or one that says nothing of it. */
const ALWAYS_HEALTHY: ReadonlySet<string> = new Set([
  "ConfigMap",
  "Endpoints",
  "Event",
  "LimitRange",
  "Namespace",
  "PodTemplate",
  "ResourceQuota",
  "Secret",
  "ServiceAccount",
  "ControllerRevision.apps",
  "CronJob.batch",
  "HorizontalPodAutoscaler.autoscaling",
  "Ingress.networking.k8s.io",
  "IngressClass.networking.k8s.io",
  "NetworkPolicy.networking.k8s.io",
  "Lease.coordination.k8s.io",
  "EndpointSlice.discovery.k8s.io",
  "Event.events.k8s.io",
  "RuntimeClass.node.k8s.io",
  "PriorityClass.scheduling.k8s.io",
  "StorageClass.storage.k8s.io",
  "CSIDriver.storage.k8s.io",
  "MutatingWebhookConfiguration.admissionregistration.k8s.io",
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
  "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
  "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  "FlowSchema.flowcontrol.apiserver.k8s.io",
  "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io",
]);

/** From the best to the worst. */
const ORDER: readonly HealthStatus[] = ["healthy", "progressing", "unknown", "degraded"];

/** Whether an object of this kind can be anything but healthy, so that it is worth a look. */
export function mayBeUnhealthy({ group, kind }: GroupKind): boolean {
  return group !== "rbac.authorization.k8s.io" && !ALWAYS_HEALTHY.has(groupKindText({ group, kind }));
}

/**
 * How well an object works, by what its status says; never throws, whatever that holds.
 *
 * @param pods Those of a workload, as far as they were listed: they say why it is not healthy.
 */
export function judgeHealth(object: KubernetesObject, pods: readonly KubernetesObject[] = []): ObjectHealth {
  const { deletionTimestamp, generation } = fieldsOf(object.metadata);
  if (deletionTimestamp !== undefined) return progressing("being deleted");
  if (object.status !== undefined && object.status !== null && fieldsOf(object.status) !== object.status) {
    return { health: "unknown", reason: "its status can't be read" };
  }
  if (!mayBeUnhealthy(groupKindOf(object))) return HEALTHY;
  const observed = numberOf(statusOf(object).observedGeneration);
  if (observed !== undefined && generation !== undefined && observed !== generation) {
    return progressing("its newest generation is not observed yet");
  }
  const rule = RULES.get(groupKindText(groupKindOf(object))) ?? conditionsHealth;
  const verdict = controllerHealth(object) ?? rule(object);
  const trouble = verdict.health === "healthy" ? undefined : troubleOfPods(pods);
  if (trouble !== undefined) return degraded(trouble);
  const end = object.kind === "Job" && verdict.health === "degraded" ? endOfPods(pods) : undefined;
  return end === undefined ? verdict : degraded(withMessage(verdict.reason ?? "", end));
}

/** The first of the worst; of none, that all is well. */
export function worstOf<T extends ObjectHealth>(healths: Iterable<T>): T | typeof HEALTHY {
  let worst: T | typeof HEALTHY = HEALTHY;
  for (const one of healths) if (isWorse(one.health, worst.health)) worst = one;
  return worst;
}

function isWorse(one: HealthStatus, other: HealthStatus): boolean {
  return ORDER.indexOf(one) > ORDER.indexOf(other);
}
