import { at, listOr } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { CLAIM_PROTECTION } from "../prepare.ts";
import { change } from "./controller_writes.ts";

/** Lets a deleted claim go once no pod uses it. */
export function releaseClaims(parts: Parts): void {
  for (const claim of parts.store.list(parts.registry.builtIn("persistentvolumeclaims"))) {
    const { deletionTimestamp, finalizers = [], ...metadata } = claim.metadata;
    if (deletionTimestamp === undefined || !finalizers.includes(CLAIM_PROTECTION) || isUsed(parts, claim)) continue;
    const others = finalizers.filter((finalizer) => finalizer !== CLAIM_PROTECTION);
    change(parts, claim, { ...claim, metadata: { ...metadata, deletionTimestamp, finalizers: others } });
  }
}

function isUsed(parts: Parts, { metadata: { namespace, name } }: KubeObject): boolean {
  return parts.store.list(parts.registry.builtIn("pods"), namespace).some((pod) =>
    listOr(at(pod, "spec", "volumes")).some((volume) => at(volume, "persistentVolumeClaim", "claimName") === name)
  );
}
