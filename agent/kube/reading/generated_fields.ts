import { isMapping } from "$lib/json.ts";
import { groupOf } from "../names.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * A manifest without what Kubernetes generates in the specification of its kind, and writes over or refuses when it is
 * another's: the rules that are gathered for an aggregated ClusterRole, the selector and labels of a Job that was
 * printed, and which claim and volume were bound to each other.
 */
export function withoutGenerated(object: Fields): Fields {
  const { apiVersion, kind } = object;
  const group = typeof apiVersion === "string" ? groupOf(apiVersion) : "";
  if (group === "rbac.authorization.k8s.io" && kind === "ClusterRole") return withoutGathered(object);
  if (group === "" && (kind === "PersistentVolume" || kind === "PersistentVolumeClaim")) return withoutBinding(object);
  return group === "batch" && kind === "Job" ? withoutSelector(object) : object;
}

/** What controllers write on a claim, and on its volume, when they bind the two. */
const BINDING = new Set([
  ...["bind-completed", "bound-by-controller"].map((name) => `pv.kubernetes.io/${name}`),
  ...["selected-node", "storage-provisioner"].map((name) => `volume.kubernetes.io/${name}`),
  "volume.beta.kubernetes.io/storage-provisioner",
]);

/** A claim that says that it is bound would be lost elsewhere; a volume that is another claim's would be let go. */
function withoutBinding(object: Fields): Fields {
  const { metadata, spec } = object;
  const annotations = isMapping(metadata) && isMapping(metadata.annotations)
    ? Object.entries(metadata.annotations)
    : [];
  const kept = annotations.filter(([name]) => !BINDING.has(name));
  const { uid: _, resourceVersion: __, ...claimRef } = isMapping(spec) && isMapping(spec.claimRef) ? spec.claimRef : {};
  return {
    ...object,
    ...(kept.length === annotations.length
      ? {}
      : { metadata: { ...metadata as Fields, annotations: Object.fromEntries(kept) } }),
    ...(Object.keys(claimRef).length === 0 ? {} : { spec: { ...spec as Fields, claimRef } }),
  };
}

function withoutGathered(object: Fields): Fields {
  if (!isMapping(object.aggregationRule)) return object;
  const { rules: _, ...rest } = object;
  return rest;
}

const CONTROLLER_UIDS = ["batch.kubernetes.io/controller-uid", "controller-uid"];
/** On a Job and on its Pods. */
const JOB_LABELS = new Set([...CONTROLLER_UIDS, "batch.kubernetes.io/job-name", "job-name"]);

/** The selector that is generated is by the Job's uid: another Job's can't be delivered. */
function withoutSelector(job: Fields): Fields {
  if (!isMapping(job.spec) || job.spec.manualSelector === true || !isGenerated(job.spec.selector)) return job;
  const { selector: _, ...spec } = job.spec;
  return withoutLabels({
    ...job,
    spec: isMapping(spec.template) ? { ...spec, template: withoutLabels(spec.template) } : spec,
  });
}

function isGenerated(selector: unknown): boolean {
  const labels = isMapping(selector) && isMapping(selector.matchLabels) ? Object.keys(selector.matchLabels) : [];
  return labels.length > 0 && labels.every((name) => CONTROLLER_UIDS.includes(name));
}

function withoutLabels(labelled: Fields): Fields {
  const { metadata } = labelled;
  if (!isMapping(metadata) || !isMapping(metadata.labels)) return labelled;
  const labels = Object.entries(metadata.labels).filter(([name]) => !JOB_LABELS.has(name));
  return { ...labelled, metadata: { ...metadata, labels: Object.fromEntries(labels) } };
}
