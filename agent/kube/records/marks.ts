import { sha256HexSync } from "$lib/ids.ts";
import type { ObjectMeta, OwnerReference } from "$lib/kubernetes.ts";

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

/**
 * A digest, of 12 hexadecimal digits, of the metadata by which an object drifts while no generation grows: labels,
 * annotations (those of controllers aside) and owner references, in whatever order the API server names them.
 */
export function marksOf(
  { labels, annotations, ownerReferences }: Pick<ObjectMeta, "labels" | "annotations" | "ownerReferences">,
): string {
  const ours = sortedEntries(annotations).filter(([name]) => !CONTROLLERS_OWN.has(name));
  const owners = (ownerReferences ?? []).map(ownerText).sort();
  return sha256HexSync(JSON.stringify([sortedEntries(labels), ours, owners])).slice(0, DIGITS);
}

function sortedEntries(texts: Readonly<Record<string, string>> = {}): [name: string, text: string][] {
  return Object.entries(texts).sort(([one], [other]) => one < other ? -1 : 1);
}

function ownerText({ apiVersion, kind, name, uid }: OwnerReference): string {
  return JSON.stringify([uid, apiVersion, kind, name]);
}
