import { at, isJsonObject, listOr, objectOr } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { changeStatus, ensure, remove } from "./controller_writes.ts";

/** Keeps as many pods as ReplicaSets, StatefulSets and DaemonSets want, and counts them in their status. */
export function keepReplicas(parts: Parts): void {
  for (const plural of ["replicasets", "statefulsets", "daemonsets"]) {
    for (const owner of parts.store.list(parts.registry.builtIn(plural))) {
      if (owner.metadata.deletionTimestamp === undefined) keep(parts, owner);
    }
  }
}

function keep(parts: Parts, owner: KubeObject): void {
  const wanted = owner.kind === "DaemonSet" ? 1 : Number(at(owner, "spec", "replicas") ?? 1);
  const pods = podsOf(parts, owner);
  const names = owner.kind === "StatefulSet" ? ordinals(owner, wanted) : undefined;
  for (let missing = pods.length; missing < wanted; missing++) create(parts, owner, names);
  const surplus = pods.slice(wanted);
  for (const pod of surplus) remove(parts, pod);
  const ready = pods.filter(isReady).length;
  changeStatus(parts, owner, { ...objectOr(owner.status), ...counts(owner, pods.length, ready) });
}

/** A pod that runs is ready, unless whoever plays its node says otherwise. */
function isReady(pod: KubeObject): boolean {
  const unready = listOr(at(pod, "status", "conditions")).some((one) =>
    at(one, "type") === "Ready" && at(one, "status") !== "True"
  );
  return at(pod, "status", "phase") === "Running" && !unready;
}

/** The pods that this object controls. */
function podsOf(parts: Parts, owner: KubeObject): KubeObject[] {
  const pods = parts.store.list(parts.registry.builtIn("pods"), owner.metadata.namespace);
  return pods.filter((pod) =>
    pod.metadata.deletionTimestamp === undefined &&
    (pod.metadata.ownerReferences ?? []).some((reference) =>
      reference.controller && reference.uid === owner.metadata.uid
    )
  );
}

/** The reference that makes `owner` the controller of another object. */
export function controlledBy(owner: KubeObject) {
  const { apiVersion, kind, metadata: { name, uid = "" } } = owner;
  return [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }];
}

function create(parts: Parts, owner: KubeObject, names: readonly string[] | undefined): void {
  const template = objectOr(at(owner, "spec", "template"));
  const { labels, annotations } = objectOr(template.metadata);
  const taken = new Set(podsOf(parts, owner).map((pod) => pod.metadata.name));
  const name = names?.find((one) => !taken.has(one)) ?? "";
  const metadata = {
    name,
    ...(name === "" ? { generateName: `${owner.metadata.name}-` } : {}),
    namespace: owner.metadata.namespace,
    labels: stringsOf(labels),
    annotations: stringsOf(annotations),
    ownerReferences: controlledBy(owner),
  };
  ensure(parts, { apiVersion: "v1", kind: "Pod", metadata, spec: template.spec });
}

function counts(owner: KubeObject, pods: number, ready: number) {
  const observedGeneration = owner.metadata.generation;
  if (owner.kind === "DaemonSet") {
    return {
      observedGeneration,
      desiredNumberScheduled: 1,
      currentNumberScheduled: pods,
      updatedNumberScheduled: pods,
      numberMisscheduled: 0,
      numberReady: ready,
      numberAvailable: ready,
    };
  }
  const counted = { observedGeneration, replicas: pods, readyReplicas: ready, availableReplicas: ready };
  if (owner.kind === "ReplicaSet") return { ...counted, fullyLabeledReplicas: pods };
  return { ...counted, currentReplicas: pods, updatedReplicas: pods };
}

function ordinals(owner: KubeObject, count: number): string[] {
  return Array.from({ length: count }, (_, ordinal) => `${owner.metadata.name}-${ordinal}`);
}

function stringsOf(value: unknown): { [key: string]: string } | undefined {
  if (!isJsonObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}
