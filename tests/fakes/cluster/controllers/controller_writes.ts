import { ApiFailure } from "../failure.ts";
import type { Json } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { type Parts, targetOf } from "../parts.ts";
import type { WriteOptions } from "../writes.ts";

const MANAGER = "kube-controller-manager";

const OPTIONS: WriteOptions = { manager: MANAGER, isDryRun: false, strictness: "lenient" };

/**
 * Creates an object as a controller; one that is there already stays as it is. What the server refuses (a quota, a
 * namespace that goes) is tried again at the controller's next turn.
 */
export function ensure(parts: Parts, object: KubeObject): void {
  const target = targetOf(parts.registry, object);
  if (target === undefined) return;
  const { type, namespace, name } = target;
  if (name !== "" && parts.store.find(type, namespace, name ?? "") !== undefined) return;
  const { name: _, ...collection } = target;
  try {
    parts.writes.create(collection, object, OPTIONS);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
  }
}

/** Changes an object as a controller; nothing is written when it stays the same. */
export function change(parts: Parts, live: KubeObject, next: KubeObject, manager = MANAGER): void {
  const target = targetOf(parts.registry, live);
  if (target !== undefined) parts.writes.update(target, { live, next }, { ...OPTIONS, manager });
}

/** Writes the status of an object as a controller; nothing is written when it stays the same. */
export function changeStatus(parts: Parts, live: KubeObject, status: Json, manager = MANAGER): void {
  const target = targetOf(parts.registry, live);
  if (target === undefined) return;
  const options = { ...OPTIONS, manager };
  parts.writes.update({ ...target, subresource: "status" }, { live, next: { ...live, status } }, options);
}

/** Deletes an object as a controller, its dependents in the background. */
export function remove(parts: Parts, object: KubeObject): void {
  const target = targetOf(parts.registry, object);
  if (target !== undefined) parts.deletes.remove(target, { isDryRun: false, propagation: "Background" });
}
