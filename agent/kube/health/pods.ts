import type { KubernetesObject } from "$lib/kubernetes.ts";
import {
  conditionOf,
  degraded,
  type Fields,
  fieldsOf,
  HEALTHY,
  listOf,
  numberOf,
  type ObjectHealth,
  progressing,
  specOf,
  statusOf,
  textOf,
  trueCondition,
} from "./status.ts";

const IMAGE_TROUBLE: ReadonlySet<string> = new Set([
  "ImagePullBackOff",
  "ErrImagePull", // is what the kubelet says between two of the former
  "ErrImageNeverPull",
  "InvalidImageName",
  "ImageInspectError",
]);
const CONTAINER_TROUBLE: ReadonlySet<string> = new Set([
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
]);
/**
 * Between two pauses of a crash loop the container runs for a moment: from so many restarts on that is the same
 * trouble.
 */
const RESTARTS_OF_A_LOOP = 3;

/** The health of a pod: ready or done, else what keeps it from that. */
export function podHealth(pod: KubernetesObject): ObjectHealth {
  const { phase, reason } = statusOf(pod);
  if (phase === "Succeeded") return HEALTHY;
  if (phase === "Failed") return degraded(textOf(reason) || "Failed");
  if (trueCondition(pod, "Ready") !== undefined) return HEALTHY;
  const trouble = troubleOf(pod);
  if (trouble !== undefined) return degraded(trouble);
  return progressing(conditionOf(pod, "Ready")?.reason || textOf(phase) || "Pending");
}

/**
 * What keeps the pods of a workload from getting ready, of the first that says so. A pod that has ended says nothing:
 * it was evicted, or is one try of a Job, and another one takes its place.
 */
export function troubleOfPods(pods: readonly KubernetesObject[]): string | undefined {
  for (const pod of pods) {
    const hasEnded = ["Failed", "Succeeded"].includes(textOf(statusOf(pod).phase));
    if (hasEnded || fieldsOf(pod.metadata).deletionTimestamp !== undefined) continue;
    const trouble = trueCondition(pod, "Ready") === undefined ? troubleOf(pod) : undefined;
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

function troubleOf(pod: KubernetesObject): string | undefined {
  const { initContainerStatuses, containerStatuses } = statusOf(pod);
  const containers = [...listOf(initContainerStatuses), ...listOf(containerStatuses)];
  for (const container of containers) {
    const trouble = containerTrouble(container);
    if (trouble !== undefined) return trouble;
  }
  const scheduled = conditionOf(pod, "PodScheduled");
  return scheduled?.status === "False" && scheduled.reason === "Unschedulable" ? "Unschedulable" : undefined;
}

function containerTrouble({ name, image, state, lastState, restartCount, ready }: Fields): string | undefined {
  const reason = textOf(fieldsOf(fieldsOf(state).waiting).reason);
  const inContainer = `container "${textOf(name)}"`;
  if (IMAGE_TROUBLE.has(reason)) {
    return `${reason === "ErrImagePull" ? "ImagePullBackOff" : reason}: image "${textOf(image)}"`;
  }
  if (CONTAINER_TROUBLE.has(reason)) return `${reason}: ${inContainer}`;
  const hasCrashed = (numberOf(fieldsOf(fieldsOf(lastState).terminated).exitCode) ?? 0) !== 0;
  const isLooping = ready !== true && hasCrashed && (numberOf(restartCount) ?? 0) >= RESTARTS_OF_A_LOOP;
  return isLooping ? `CrashLoopBackOff: ${inContainer}` : undefined;
}

/** Kinds that run pods which their selector names. */
const WORKLOADS: ReadonlySet<string> = new Set([
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "ReplicaSet",
  "Job",
]);

/** How the pods of a workload are selected, as a query has it; undefined for what runs none. */
export function podSelectorOf(object: KubernetesObject): string | undefined {
  if (!WORKLOADS.has(object.kind) || !/^(apps|batch)\//.test(object.apiVersion)) return undefined;
  const { matchLabels, matchExpressions } = fieldsOf(specOf(object).selector);
  const equal = Object.entries(fieldsOf(matchLabels)).map(([name, value]) => `${name}=${textOf(value)}`);
  const terms = [...equal, ...listOf(matchExpressions).flatMap(expressionText)];
  return terms.length === 0 ? undefined : terms.join(",");
}

function expressionText({ key, operator, values }: Fields): readonly string[] {
  const name = textOf(key);
  const all = (Array.isArray(values) ? values : []).map(textOf).join(",");
  if (operator === "In") return [`${name} in (${all})`];
  if (operator === "NotIn") return [`${name} notin (${all})`];
  if (operator === "Exists") return [name];
  return operator === "DoesNotExist" ? [`!${name}`] : [];
}
