import { FOREGROUND, ORPHAN } from "../deletes.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { change, remove } from "./controller_writes.ts";

/** Deletes what has lost all its owners, and lets those go that waited for their dependents. */
export function collectGarbage(parts: Parts): void {
  const objects = parts.store.everything();
  const living = new Set(objects.map((object) => object.metadata.uid));
  for (const object of objects) {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length > 0 && !owners.some((owner) => living.has(owner.uid))) remove(parts, object);
    else if (object.metadata.deletionTimestamp !== undefined) finish(parts, object, objects);
  }
}

function finish(parts: Parts, owner: KubeObject, objects: readonly KubeObject[]): void {
  const finalizers = owner.metadata.finalizers ?? [];
  const isForeground = finalizers.includes(FOREGROUND);
  if (!isForeground && !finalizers.includes(ORPHAN)) return;
  const dependents = objects.filter((object) => isOwnedBy(object, owner));
  for (const dependent of dependents) {
    if (isForeground) remove(parts, dependent);
    else disown(parts, dependent, owner);
  }
  if (isForeground && dependents.length > 0) return;
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  change(parts, owner, { ...owner, metadata: { ...owner.metadata, finalizers: others } });
}

function disown(parts: Parts, dependent: KubeObject, owner: KubeObject): void {
  const others = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
  const { ownerReferences: _, ...metadata } = dependent.metadata;
  const kept = others.length === 0 ? metadata : { ...metadata, ownerReferences: others };
  change(parts, dependent, { ...dependent, metadata: kept });
}

function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  return (object.metadata.ownerReferences ?? []).some((reference) => reference.uid === owner.metadata.uid);
}
