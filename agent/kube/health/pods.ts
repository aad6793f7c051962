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
  withMessage,
} from "./status.ts";

const IMAGE_TROUBLE: ReadonlySet<string> = new Set([
  "ImagePullBackOff",
  "ErrImagePull", // is what the kubelet says between two of the former
  "ErrImageNeverPull",
  "InvalidImageName",
  "ImageInspectError",
]);
const CONTAINER_TROUBLE: ReadonlySet<string> = new Set([
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
  const { phase } = statusOf(pod);
  if (phase === "Succeeded") return HEALTHY;
  if (phase === "Failed") return degraded(endOf(pod));
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

/** How the first pod that failed came to its end: of a Job that has failed, why. */
export function endOfPods(pods: readonly KubernetesObject[]): string | undefined {
  const failed = pods.find((pod) => statusOf(pod).phase === "Failed");
  return failed && endOf(failed);
}

/** A pod that was evicted says why; one of itself has a container that did not end well. */
function endOf(pod: KubernetesObject): string {
  const { reason, message } = statusOf(pod);
  if (textOf(reason) !== "") return withMessage(textOf(reason), textOf(message));
  for (const { name, state } of containersOf(pod)) {
    const end = endingOf(fieldsOf(state).terminated);
    if (end !== undefined && end !== "exit code 0") return `Failed: container "${textOf(name)}", ${end}`;
  }
  return "Failed";
}

function containersOf(pod: KubernetesObject): readonly Fields[] {
  const { initContainerStatuses, containerStatuses } = statusOf(pod);
  return [...listOf(initContainerStatuses), ...listOf(containerStatuses)];
}

/** How a container ended: `OOMKilled`, `exit code 1`; undefined for one that did not. */
function endingOf(terminated: unknown): string | undefined {
  const { exitCode, reason } = fieldsOf(terminated);
  const code = numberOf(exitCode);
  if (code === undefined) return undefined;
  return USUAL_ENDINGS.has(textOf(reason)) ? `exit code ${code}` : textOf(reason);
}

/** What a kubelet calls an end of which the exit code says more. */
const USUAL_ENDINGS: ReadonlySet<string> = new Set(["", "Error", "Completed"]);

function troubleOf(pod: KubernetesObject): string | undefined {
  for (const container of containersOf(pod)) {
    const trouble = containerTrouble(container);
    if (trouble !== undefined) return trouble;
  }
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status !== "False" || scheduled.reason !== "Unschedulable") return undefined;
  return withMessage("Unschedulable", scheduled.message.replace(PREEMPTION, ""));
}

/** What was tried beside it to make room says nothing more. */
const PREEMPTION = /\.? (?:no new claims to deallocate, )?preemption: [^]*$/;

function containerTrouble({ name, image, state, lastState, restartCount, ready }: Fields): string | undefined {
  const { reason: said, message } = fieldsOf(fieldsOf(state).waiting);
  const reason = textOf(said);
  const inContainer = `container "${textOf(name)}"`;
  const { terminated } = fieldsOf(lastState);
  const end = endingOf(terminated);
  const looping = `CrashLoopBackOff: ${inContainer}${end === undefined ? "" : `, ${end}`}`;
  if (IMAGE_TROUBLE.has(reason)) {
    return `${reason === "ErrImagePull" ? "ImagePullBackOff" : reason}: image "${textOf(image)}"`;
  }
  if (reason === "CrashLoopBackOff") return looping;
  if (reason === "CreateContainerConfigError") return withMessage(`${reason}: ${inContainer}`, textOf(message));
  if (CONTAINER_TROUBLE.has(reason)) return `${reason}: ${inContainer}`;
  const hasCrashed = (numberOf(fieldsOf(terminated).exitCode) ?? 0) !== 0;
  const isLooping = ready !== true && hasCrashed && (numberOf(restartCount) ?? 0) >= RESTARTS_OF_A_LOOP;
  return isLooping ? looping : undefined;
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
