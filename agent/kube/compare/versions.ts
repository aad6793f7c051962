import { isFailure } from "$lib/error.ts";
import type { KubernetesObject, ManagedFields } from "$lib/kubernetes.ts";
import { isOwnEntry } from "./field_sets.ts";
import { groupOf } from "../names.ts";

const VERSION_FAILURE =
  /failed to convert (merged|pruned|old|new) object|request to convert CR to an invalid group\/version/;

/**
 * Whether an apply failed because somebody's managed fields are written in a version of the type by which the object
 * can't be written any more: one that is gone, or one that does not know a field of the manifest.
 */
export function isVersionFailure(error: unknown): boolean {
  return isFailure(error, "kubernetes_rejected", "kubernetes_unavailable") &&
    VERSION_FAILURE.test(String(error.details?.message));
}

/** Which version an object is applied by, and which are served. */
export interface Versions {
  readonly served: (apiVersion: string) => boolean;
  /** The one that the manifest is written in. */
  readonly apiVersion: string;
}

/**
 * The managed fields by which an object can be applied again after {@linkcode isVersionFailure}, for `foldPatch`.
 * Entries of others in versions that are served no more are dropped, as an API server does that still knows of them;
 * the rest, ours first of all, is said to be of the version that is applied. Ours must not be dropped: then what the
 * manifest has no more would stay. All entries at once: while one is left, the API server empties the list.
 *
 * @returns Undefined where no entry is in another version: then this is not what the apply failed of.
 */
export function repairVersions(
  { metadata: { managedFields = [] } }: KubernetesObject,
  { served, apiVersion }: Versions,
): readonly ManagedFields[] | undefined {
  const isOther = (entry: ManagedFields) =>
    entry.apiVersion !== undefined && entry.apiVersion !== apiVersion &&
    groupOf(entry.apiVersion) === groupOf(apiVersion);
  if (!managedFields.some(isOther)) return undefined;
  return managedFields.flatMap((entry) => {
    if (!isOther(entry)) return [entry];
    return isOwnEntry(entry) || served(entry.apiVersion ?? "") ? [{ ...entry, apiVersion }] : [];
  });
}
