import { sha256HexSync } from "$lib/ids.ts";
import { FIELD_MANAGER, type ManagedFields, type ObjectMeta } from "$lib/kubernetes.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { marksOf } from "../records/marks.ts";

/** What a record says of the state of an object that was written or compared last, and whose it is. */
export interface Compared extends Pick<RecordedObject, "uid" | "generation" | "resourceVersion" | "marks"> {
  readonly stackId: string;
}

/** The state of an object, as far as it is to be compared. */
export interface SeenState extends Pick<RecordedObject, "generation"> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly marks: string;
  /** Changes whenever something of the object changes that can be drift, and never with its status. */
  readonly digest: string;
  readonly isGoing: boolean;
}

const DIGITS = 12;

/** The state that an object's metadata shows. */
export function seenState(metadata: ObjectMeta): SeenState {
  const { uid = "", resourceVersion = "", generation, deletionTimestamp } = metadata;
  const marks = marksOf(metadata);
  const isGoing = deletionTimestamp !== undefined;
  const specification = generation ?? writersOf(metadata.managedFields) ?? resourceVersion;
  const digest = sha256HexSync(JSON.stringify([uid, specification, marks, isGoing])).slice(0, DIGITS);
  return { uid, resourceVersion, marks, digest, isGoing, ...(generation === undefined ? {} : { generation }) };
}

/**
 * Of a kind without a generation, who wrote what when, the status aside: a write that takes fields sets the time of its
 * manager's entry, and one that drops a field of ours changes ours. Undefined where an object has no managed fields.
 */
function writersOf(managedFields: readonly ManagedFields[] = []): string | undefined {
  const writers = managedFields.filter(({ subresource }) => !subresource).map((entry) => {
    const { manager, operation, apiVersion, time, fieldsV1 } = entry;
    return JSON.stringify([manager, operation, apiVersion, time, manager === FIELD_MANAGER ? fieldsV1 : undefined]);
  });
  return writers.length === 0 ? undefined : writers.sort().join("\n");
}

/**
 * Whether the object is as it was written or compared last, or as it was before that: then nothing is to be put right.
 */
export function isAsCompared(compared: Compared, seen: SeenState): boolean {
  if (seen.isGoing || compared.uid !== seen.uid) return false;
  if (compared.generation === undefined || seen.generation === undefined) {
    return compared.resourceVersion !== undefined && compared.resourceVersion === seen.resourceVersion;
  }
  if (compared.generation > seen.generation) return true;
  return compared.generation === seen.generation && (compared.marks ?? seen.marks) === seen.marks;
}
