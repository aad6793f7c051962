import { sha256HexSync } from "$lib/ids.ts";
import type { ObjectMeta, OwnerReference } from "$lib/kubernetes.ts";
import { type GroupKind, groupKindText } from "../names.ts";

const DIGITS = 12;

/** Annotations that Kubernetes' own controllers write on what people deliver: a change of one is no drift. */
const CONTROLLERS_OWN: ReadonlySet<string> = new Set([
  "deployment.kubernetes.io/revision",
  "deprecated.daemonset.template.generation",
  "control-plane.alpha.kubernetes.io/leader",
  "endpoints.kubernetes.io/last-change-trigger-time",
  "pv.kubernetes.io/bind-completed",
  "pv.kubernetes.io/bound-by-controller",
  "volume.kubernetes.io/selected-node",
  "volume.kubernetes.io/storage-provisioner",
  "volume.beta.kubernetes.io/storage-provisioner",
  "autoscaling.alpha.kubernetes.io/behavior",
  "autoscaling.alpha.kubernetes.io/conditions",
  "autoscaling.alpha.kubernetes.io/current-metrics",
  "autoscaling.alpha.kubernetes.io/metrics",
]);

/** Finalizers that Kubernetes sets, and ends, itself: those without a domain, and those of its own. */
const KUBERNETES_FINALIZER = /^[^/.]*$|^(?:[^/]*\.)?(?:kubernetes|k8s)\.io(?:\/|$)/;

type Marks = Pick<ObjectMeta, "labels" | "annotations" | "ownerReferences" | "finalizers">;

/**
 * A digest, of 12 hexadecimal digits, of the metadata by which an object drifts while no generation grows: labels,
 * annotations and finalizers (those of Kubernetes aside) and owner references, in whatever order the API server names
 * them.
 */
export function marksOf({ labels, annotations, ownerReferences, finalizers = [] }: Marks): string {
  const ours = sortedEntries(annotations).filter(([name]) => !CONTROLLERS_OWN.has(name));
  const owners = (ownerReferences ?? []).map(ownerText).sort();
  const holders = finalizers.filter((name) => !KUBERNETES_FINALIZER.test(name)).sort();
  const marks = [sortedEntries(labels), ours, owners, ...holders];
  return sha256HexSync(JSON.stringify(marks)).slice(0, DIGITS);
}

/** Kinds whose generation is 1 for ever, whatever of them changes. */
const OF_ONE_GENERATION = ["PriorityClass.scheduling.k8s.io"];

/**
 * The generation of an object, where that grows when what it specifies changes; undefined where the version is to be
 * asked.
 */
export function generationOf(groupKind: GroupKind, { generation }: Pick<ObjectMeta, "generation">): number | undefined {
  return OF_ONE_GENERATION.includes(groupKindText(groupKind)) ? undefined : generation;
}

function sortedEntries(texts: Readonly<Record<string, string>> = {}): [name: string, text: string][] {
  return Object.entries(texts).sort(([one], [other]) => one < other ? -1 : 1);
}

function ownerText({ apiVersion, kind, name, uid }: OwnerReference): string {
  return JSON.stringify([uid, apiVersion, kind, name]);
}
