import { ApiFailure } from "../failure.ts";
import { type Json, sameJson } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { type Parts, targetOf } from "../parts.ts";
import type { WriteOptions } from "../writes.ts";

const MANAGER = "kube-controller-manager";

const OPTIONS: WriteOptions = { manager: MANAGER, isDryRun: false, strictness: "lenient" };

/** Creates an object as a controller; one that is there already stays as it is. */
export function ensure(parts: Parts, object: KubeObject, manager = MANAGER): void {
  const target = targetOf(parts.registry, object);
  if (target === undefined) return;
  const { type, namespace, name } = target;
  if (name !== "" && parts.store.find(type, namespace, name ?? "") !== undefined) return;
  const { name: _, ...collection } = target;
  unlessRefused(() => parts.writes.create(collection, object, { ...OPTIONS, manager }));
}

/** Changes an object as a controller; nothing is written when it stays the same. */
export function change(parts: Parts, live: KubeObject, next: KubeObject, manager = MANAGER): void {
  const target = targetOf(parts.registry, live);
  if (target === undefined || sameJson(live, next)) return;
  unlessRefused(() => parts.writes.update(target, { live, next }, { ...OPTIONS, manager }));
}

/** Writes the status of an object as a controller; nothing is written when it stays the same. */
export function changeStatus(parts: Parts, live: KubeObject, status: Json, manager = MANAGER): void {
  const target = targetOf(parts.registry, live);
  if (target === undefined || sameJson(live.status, status)) return;
  const options = { ...OPTIONS, manager };
  const change = { live, next: { ...live, status } };
  unlessRefused(() => parts.writes.update({ ...target, subresource: "status" }, change, options));
}

/** Deletes an object as a controller, its dependents in the background. */
export function remove(parts: Parts, object: KubeObject): void {
  const target = targetOf(parts.registry, object);
  if (target === undefined) return;
  unlessRefused(() => parts.deletes.remove(target, { isDryRun: false, propagation: "Background" }));
}

/** What the server refuses a controller (a quota, a namespace that goes) is tried again at its next turn. */
function unlessRefused(step: () => unknown): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
  }
}
