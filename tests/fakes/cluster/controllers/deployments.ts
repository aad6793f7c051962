import { at, type Json, type JsonObject, listOr, objectOr, sameJson } from "../json.ts";
import { type KubeObject, timestamp } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { withConditions } from "./conditions.ts";
import { change, changeStatus, ensure } from "./controller_writes.ts";
import { controlledBy } from "./replicas.ts";

const REVISION = "deployment.kubernetes.io/revision";

/** Rolls every Deployment: a ReplicaSet for each template, the old ones emptied once the new one is ready. */
export function rollDeployments(parts: Parts): void {
  for (const deployment of parts.store.list(parts.registry.builtIn("deployments"))) {
    if (deployment.metadata.deletionTimestamp === undefined) roll(parts, deployment);
  }
}

function roll(parts: Parts, deployment: KubeObject): void {
  if (at(deployment, "spec", "paused") === true) return pause(parts, deployment);
  const sets = setsOf(parts, deployment);
  const name = `${deployment.metadata.name}-${templateHash(deployment)}`;
  const current = sets.find((set) => set.metadata.name === name);
  if (current === undefined) {
    ensure(parts, replicaSet(deployment, name, sets.length + 1));
    return;
  }
  const wanted = Number(at(deployment, "spec", "replicas") ?? 1);
  scale(parts, current, wanted);
  const others = sets.filter((set) => set !== current);
  if (ready(current) >= wanted) { for (const old of others) scale(parts, old, 0); }
  const annotations = {
    ...deployment.metadata.annotations,
    [REVISION]: current.metadata.annotations?.[REVISION] ?? "1",
  };
  if (!sameJson(annotations, deployment.metadata.annotations)) {
    change(parts, deployment, { ...deployment, metadata: { ...deployment.metadata, annotations } });
    return;
  }
  changeStatus(parts, deployment, statusOf(deployment, current, others));
}

/** A paused Deployment is looked at, and left as it is. */
function pause(parts: Parts, deployment: KubeObject): void {
  const before = objectOr(deployment.status);
  const wanted = withConditions(before.conditions, [{
    type: "Progressing",
    status: "Unknown",
    reason: "DeploymentPaused",
    message: "Deployment is paused",
  }]);
  const conditions = wanted.map((condition) => withUpdateTime(objectOr(condition), listOr(before.conditions)));
  changeStatus(parts, deployment, { ...before, observedGeneration: deployment.metadata.generation, conditions });
}

function setsOf(parts: Parts, deployment: KubeObject): KubeObject[] {
  const sets = parts.store.list(parts.registry.builtIn("replicasets"), deployment.metadata.namespace);
  return sets.filter((set) => set.metadata.ownerReferences?.some((owner) => owner.uid === deployment.metadata.uid));
}

function replicaSet(deployment: KubeObject, name: string, revision: number): KubeObject {
  const hash = { "pod-template-hash": templateHash(deployment) };
  const template = objectOr(at(deployment, "spec", "template"));
  const own = objectOr(at(template, "metadata", "labels"));
  const labels = Object.fromEntries(Object.entries({ ...own, ...hash }).map(([key, value]) => [key, String(value)]));
  const metadata = {
    name,
    namespace: deployment.metadata.namespace,
    labels,
    annotations: { [REVISION]: String(revision) },
    ownerReferences: controlledBy(deployment),
  };
  const spec = {
    replicas: at(deployment, "spec", "replicas"),
    selector: { matchLabels: { ...objectOr(at(deployment, "spec", "selector", "matchLabels")), ...hash } },
    template: { ...template, metadata: { ...objectOr(template.metadata), labels } },
  };
  return { apiVersion: "apps/v1", kind: "ReplicaSet", metadata, spec };
}

function scale(parts: Parts, set: KubeObject, replicas: number): void {
  change(parts, set, { ...set, spec: { ...objectOr(set.spec), replicas } });
}

function statusOf(deployment: KubeObject, current: KubeObject, others: readonly KubeObject[]) {
  const wanted = Number(at(deployment, "spec", "replicas") ?? 1);
  const available = [current, ...others].reduce((sum, set) => sum + ready(set), 0);
  const isAvailable = available >= wanted;
  const isComplete = ready(current) >= wanted;
  const name = current.metadata.name;
  const wantedConditions = withConditions(at(deployment, "status", "conditions"), [
    {
      type: "Available",
      status: isAvailable ? "True" : "False",
      reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
      message: `Deployment ${isAvailable ? "has" : "does not have"} minimum availability.`,
    },
    {
      type: "Progressing",
      status: "True",
      reason: isComplete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
      message: `ReplicaSet "${name}" ${isComplete ? "has successfully progressed" : "is progressing"}.`,
    },
  ]);
  const before = objectOr(deployment.status);
  const conditions = wantedConditions.map((condition) =>
    withUpdateTime(objectOr(condition), listOr(before.conditions))
  );
  const missing = wanted - available;
  const counts = {
    observedGeneration: deployment.metadata.generation,
    replicas: [current, ...others].reduce((sum, set) => sum + Number(at(set, "status", "replicas") ?? 0), 0),
    updatedReplicas: Number(at(current, "status", "replicas") ?? 0),
    readyReplicas: available,
    availableReplicas: available,
  };
  return { ...counts, ...(missing > 0 ? { unavailableReplicas: missing } : {}), conditions, ...collisions(before) };
}

function collisions({ collisionCount }: ReturnType<typeof objectOr>) {
  return collisionCount === undefined ? {} : { collisionCount };
}

/** A condition that says the same as before keeps its time. */
function withUpdateTime(condition: JsonObject, before: readonly Json[]): JsonObject {
  const same = before.map(objectOr).find(({ lastUpdateTime: _, ...old }) => sameJson(old, condition));
  return same ?? { lastUpdateTime: timestamp(), ...condition };
}

function ready(set: KubeObject): number {
  return Number(at(set, "status", "readyReplicas") ?? 0);
}

/** A short hash of the pod template (FNV-1a), as the real controller names its ReplicaSets by one. */
function templateHash(deployment: KubeObject): string {
  let hash = 2_166_136_261;
  for (const char of JSON.stringify(at(deployment, "spec", "template"))) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619);
  }
  return (hash >>> 0).toString(36);
}
