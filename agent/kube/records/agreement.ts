import type { ObjectMeta } from "$lib/kubernetes.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { marksOf } from "./marks.ts";
import type { MemberMeta } from "./member_meta.ts";

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
  if (recorded === undefined || meta.deletionTimestamp !== undefined || !isAsRecorded(recorded, meta)) return false;
  return recorded.generation === undefined || recorded.marks === marksOf(meta);
}

/** The same of an object as a sweep found it. */
export function agreesWithSwept(recorded: RecordedObject, member: MemberMeta): boolean {
  if (member.isGoing || !isAsRecorded(recorded, member)) return false;
  return recorded.generation === undefined || recorded.marks === member.marks;
}

function isAsRecorded(
  recorded: RecordedObject,
  { uid, generation, resourceVersion }: Pick<ObjectMeta, "uid" | "generation" | "resourceVersion">,
): boolean {
  if (recorded.uid === undefined || recorded.uid !== uid) return false;
  if (recorded.generation !== undefined && generation !== undefined) return recorded.generation === generation;
  return recorded.resourceVersion !== undefined && recorded.resourceVersion === resourceVersion;
}
