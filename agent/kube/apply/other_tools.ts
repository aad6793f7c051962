import type { ObjectMeta } from "$lib/kubernetes.ts";
import { OWNER_ID, PART_OF } from "../names.ts";

/**
 * Which other tool marks an object as its own, in words: such an object is taken over only where its manifest says
 * `brokkr.io/adopt: own`. Undefined for one that nobody marks, and for one that an agent of ours applied.
 */
export function toolOf({ labels = {}, annotations = {}, ownerReferences = [] }: ObjectMeta): string | undefined {
  const controller = ownerReferences.find((owner) => owner.controller === true);
  if (controller !== undefined) return `${controller.kind} "${controller.name}"`;
  if (annotations[HELM_RELEASE] !== undefined && labels["app.kubernetes.io/managed-by"] === "Helm") {
    return `the Helm release "${annotations[HELM_RELEASE]}"`;
  }
  const kustomization = labels["kustomize.toolkit.fluxcd.io/name"];
  if (kustomization !== undefined) return `the Flux Kustomization "${kustomization}"`;
  const release = labels["helm.toolkit.fluxcd.io/name"];
  if (release !== undefined) return `the Flux HelmRelease "${release}"`;
  const tracking = annotations["argocd.argoproj.io/tracking-id"];
  if (tracking !== undefined) return `the Argo CD application "${tracking.split(":", 1)[0]}"`;
  const application = labels["argocd.argoproj.io/instance"]; // as older settings of it track
  if (application !== undefined) return `the Argo CD application "${application}"`;
  const set = labels[PART_OF];
  return set === undefined || annotations[OWNER_ID] !== undefined ? undefined : `the ApplySet "${set}" of another tool`;
}

const HELM_RELEASE = "meta.helm.sh/release-name";
