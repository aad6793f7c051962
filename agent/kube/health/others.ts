import type { KubernetesObject } from "$lib/kubernetes.ts";
import {
  conditionOf,
  degraded,
  fieldsOf,
  HEALTHY,
  listOf,
  numberOf,
  type ObjectHealth,
  progressing,
  sentenceOf,
  specOf,
  statusOf,
  textOf,
  trueCondition,
  wordsOf,
} from "./status.ts";

/** A claim is healthy once it is bound; one whose volume is lost stays so. */
export function claimHealth(object: KubernetesObject): ObjectHealth {
  const phase = textOf(statusOf(object).phase);
  if (phase === "Bound") return HEALTHY;
  return phase === "Lost" ? degraded("Lost") : progressing(phase || "Pending");
}

/** A Service of type LoadBalancer is healthy once it has an address outside; any other at once. */
export function serviceHealth(object: KubernetesObject): ObjectHealth {
  if (specOf(object).type !== "LoadBalancer") return HEALTHY;
  const addresses = listOf(fieldsOf(statusOf(object).loadBalancer).ingress);
  return addresses.length > 0 ? HEALTHY : progressing("no address of a load balancer yet");
}

/** A definition is healthy once its type is served; one whose names are another's never is. */
export function definitionHealth(object: KubernetesObject): ObjectHealth {
  const names = conditionOf(object, "NamesAccepted");
  if (names?.status === "False") return degraded(sentenceOf(names));
  const established = conditionOf(object, "Established");
  if (established?.status === "True") return HEALTHY;
  if (established?.status !== "False" || established.reason === "Installing") return progressing("not established yet");
  return degraded(sentenceOf(established));
}

/** An aggregated API that is away breaks what lists every type; without endpoints it may be only starting. */
export function apiServiceHealth(object: KubernetesObject): ObjectHealth {
  const available = conditionOf(object, "Available");
  if (available === undefined) return progressing("no status yet");
  if (available.status === "True") return HEALTHY;
  return available.reason === "MissingEndpoints" ? progressing(sentenceOf(available)) : degraded(sentenceOf(available));
}

/**
 * A disruption budget is healthy once its numbers are worked out: that it allows nothing now is what it is there for.
 */
export function disruptionBudgetHealth(object: KubernetesObject): ObjectHealth {
  const allowed = conditionOf(object, "DisruptionAllowed");
  if (allowed?.reason === "SyncFailed") return degraded("SyncFailed");
  return numberOf(statusOf(object).observedGeneration) === undefined ? progressing("no status yet") : HEALTHY;
}

/**
 * What conditions that many controllers agree on say: `Ready`, else `Available`, else `Progressing`; without them,
 * healthy.
 */
export function conditionsHealth(object: KubernetesObject): ObjectHealth {
  const decisive = conditionOf(object, "Ready") ?? conditionOf(object, "Available");
  if (decisive !== undefined) return decisive.status === "True" ? HEALTHY : progressing(sentenceOf(decisive));
  const moving = conditionOf(object, "Progressing");
  if (moving?.status === "False" && /DeadlineExceeded$/.test(moving.reason)) return degraded(sentenceOf(moving));
  return moving?.status === "True" ? progressing(wordsOf(moving)) : HEALTHY;
}

/** What goes before every rule: a controller that is stuck, or at work. */
export function controllerHealth(object: KubernetesObject): ObjectHealth | undefined {
  const stuck = trueCondition(object, "Stalled") ?? trueCondition(object, "Degraded");
  if (stuck !== undefined) return degraded(sentenceOf(stuck));
  const working = trueCondition(object, "Reconciling");
  return working && progressing(wordsOf(working));
}
