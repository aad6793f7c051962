import type { KubernetesObject } from "$lib/kubernetes.ts";
import {
  conditionOf,
  degraded,
  fieldsOf,
  HEALTHY,
  numberOf,
  type ObjectHealth,
  progressing,
  sentenceOf,
  specOf,
  statusOf,
  trueCondition,
  withMessage,
  wordsOf,
} from "./status.ts";

/** A Deployment is healthy when all its replicas are of the newest template, and available. */
export function deploymentHealth(object: KubernetesObject): ObjectHealth {
  const failure = creationFailure(object);
  if (failure !== undefined) return failure;
  const rollout = rolloutHealth(object);
  if (conditionOf(object, "Progressing")?.reason !== DEADLINE_EXCEEDED) return rollout;
  return degraded(withMessage(DEADLINE_EXCEEDED, rollout.reason ?? ""));
}

const DEADLINE_EXCEEDED = "ProgressDeadlineExceeded";

function rolloutHealth(object: KubernetesObject): ObjectHealth {
  const wanted = wantedReplicas(object);
  const { replicas, updated, available, ready } = countsOf(object);
  return unobserved(object) ??
    (updated < wanted ? updating(object, updated, wanted) : undefined) ??
    (replicas > updated ? progressing(`${replicas - updated} old replicas are left`) : undefined) ??
    short(Math.min(available, ready), wanted, "replicas available") ??
    HEALTHY;
}

function updating(object: KubernetesObject, updated: number, wanted: number): ObjectHealth {
  if (specOf(object).paused === true) return progressing("DeploymentPaused");
  return progressing(`${updated} of ${wanted} replicas updated`);
}

/** A StatefulSet is healthy when its replicas are ready and, those below a partition aside, of the newest template. */
export function statefulSetHealth(object: KubernetesObject): ObjectHealth {
  const wanted = wantedReplicas(object);
  const { replicas, updated, ready } = countsOf(object);
  const { currentRevision, updateRevision } = statusOf(object);
  const { type, rollingUpdate } = fieldsOf(specOf(object).updateStrategy);
  const partition = numberOf(fieldsOf(rollingUpdate).partition) ?? 0;
  const isUpdated = type === "OnDelete" || (partition > 0 ? updated >= wanted - partition : updated >= wanted);
  const isSettled = type === "OnDelete" || partition > 0 || currentRevision === updateRevision;
  return unobserved(object) ??
    short(ready, wanted, "replicas ready") ??
    (isUpdated && isSettled ? undefined : progressing(`${updated} of ${wanted} replicas updated`)) ??
    (replicas > wanted ? progressing(`${replicas - wanted} replicas too many are left`) : HEALTHY);
}

/** A DaemonSet is healthy when it runs, in its newest template, on every node that it wants. */
export function daemonSetHealth(object: KubernetesObject): ObjectHealth {
  const status = statusOf(object);
  const wanted = numberOf(status.desiredNumberScheduled);
  if (wanted === undefined) return progressing("no status yet");
  const count = (name: string) => numberOf(status[name]) ?? 0;
  const updatesItself = fieldsOf(specOf(object).updateStrategy).type !== "OnDelete";
  const updated = updatesItself ? count("updatedNumberScheduled") : wanted;
  return unobserved(object) ??
    short(updated, wanted, "pods updated") ??
    short(Math.min(count("numberAvailable"), count("numberReady")), wanted, "pods available") ??
    HEALTHY;
}

/** A ReplicaSet is healthy when it has as many replicas as it wants, and they are available. */
export function replicaSetHealth(object: KubernetesObject): ObjectHealth {
  const wanted = wantedReplicas(object);
  const { replicas, available, ready } = countsOf(object);
  return creationFailure(object) ?? unobserved(object) ??
    short(Math.min(available, ready), wanted, "replicas available") ??
    (replicas > wanted ? progressing(`${replicas - wanted} replicas too many are left`) : HEALTHY);
}

/** A Job is healthy when it is complete, or a person suspended it; one that has failed stays so. */
export function jobHealth(object: KubernetesObject): ObjectHealth {
  const failed = trueCondition(object, "Failed") ?? trueCondition(object, "FailureTarget");
  if (failed !== undefined) return degraded(sentenceOf(failed));
  if (trueCondition(object, "Complete") !== undefined) return HEALTHY;
  if (specOf(object).suspend === true) return { health: "healthy", reason: "Suspended" };
  const { startTime, succeeded, failed: failures } = statusOf(object);
  if (startTime === undefined) return progressing("not started yet");
  const tries = numberOf(failures) ?? 0;
  const lost = tries === 0 ? "" : `, ${tries} ${tries === 1 ? "pod" : "pods"} failed`;
  return progressing(`${numberOf(succeeded) ?? 0} of ${numberOf(specOf(object).completions) ?? 1} completions${lost}`);
}

interface Counts {
  readonly replicas: number;
  readonly updated: number;
  readonly available: number;
  readonly ready: number;
}

function countsOf(object: KubernetesObject): Counts {
  const { replicas, updatedReplicas, availableReplicas, readyReplicas } = statusOf(object);
  return {
    replicas: numberOf(replicas) ?? 0,
    updated: numberOf(updatedReplicas) ?? 0,
    available: numberOf(availableReplicas) ?? 0,
    ready: numberOf(readyReplicas) ?? 0,
  };
}

function wantedReplicas(object: KubernetesObject): number {
  return numberOf(specOf(object).replicas) ?? 1;
}

/** Its controller has not looked at it yet: the counts would be those of what was before, or none. */
function unobserved(object: KubernetesObject): ObjectHealth | undefined {
  return numberOf(statusOf(object).observedGeneration) === undefined ? progressing("no status yet") : undefined;
}

/** Pods that can't even be made: over a quota, or refused by admission. Each try names another pod. */
function creationFailure(object: KubernetesObject): ObjectHealth | undefined {
  const failure = trueCondition(object, "ReplicaFailure");
  return failure && degraded(withMessage(wordsOf(failure), failure.message.replace(POD_REFUSED, "")));
}

const POD_REFUSED = /^pods "[^"]{1,253}" is forbidden: /;

function short(count: number, wanted: number, what: string): ObjectHealth | undefined {
  return count < wanted ? progressing(`${count} of ${wanted} ${what}`) : undefined;
}
