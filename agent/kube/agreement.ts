import type { ObjectMeta } from "$lib/kubernetes.ts";
import type { RecordedObject } from "../plan/record.ts";
import { marksOf } from "./marks.ts";

/** The metadata by which an object is known to be as it was compared last. */
export type SeenMeta = Pick<
  ObjectMeta,
  "uid" | "generation" | "resourceVersion" | "deletionTimestamp" | "labels" | "annotations" | "ownerReferences"
>;

/**
 * Whether an object is as it was when it was compared last, so that nobody need be asked about it: it is the same one,
 * and neither its specification nor its labels, annotations or owners were written since.
 */
export function agrees(recorded: RecordedObject | undefined, meta: SeenMeta): boolean {
  if (recorded?.uid === undefined || recorded.uid !== meta.uid || meta.deletionTimestamp !== undefined) return false;
  if (recorded.generation === undefined || meta.generation === undefined) {
    return recorded.resourceVersion !== undefined && recorded.resourceVersion === meta.resourceVersion;
  }
  return recorded.generation === meta.generation && recorded.marks === marksOf(meta);
}
