import { isRefused } from "./refusal.ts";
import { listRequest, sendJson } from "./requests.ts";
import type { Sender } from "./sender.ts";
import {
  type ApiResource,
  FIELD_MANAGER,
  type KubernetesObject,
  type ListOptions,
  type MetadataList,
  type MetadataListOptions,
  type ObjectMeta,
} from "./types.ts";

const PAGE_SIZE = "500";
const METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/** One page of whole objects. */
export async function listObjects(
  send: Sender,
  resource: ApiResource,
  { limit, signal, ...selection }: ListOptions & { readonly limit: number },
): Promise<readonly KubernetesObject[]> {
  const { items } = await sendJson<Page>(send, listRequest(resource, { ...selection, limit: String(limit) }), signal);
  const { apiVersion, kind } = resource;
  return (items ?? []).map((item) => ({ ...item, apiVersion, kind }));
}

/** The API server forgets a list that is not read to its end in a few minutes: then it begins anew, once. */
export async function listMetadata<T>(
  send: Sender,
  resource: ApiResource,
  options: MetadataListOptions<T>,
): Promise<MetadataList<T>> {
  try {
    return await listPages(send, resource, options);
  } catch (error) {
    if (!isRefused(error, 410)) throw error;
    return await listPages(send, resource, options);
  }
}

async function listPages<T>(
  send: Sender,
  resource: ApiResource,
  { signal, pick = (object) => object as T, ...selection }: MetadataListOptions<T>,
): Promise<MetadataList<T>> {
  const items: T[] = [];
  let next: string | undefined;
  let resourceVersion: string;
  do {
    const request = listRequest(resource, { ...selection, limit: PAGE_SIZE, continue: next });
    const page = await sendJson<Page>(send, { ...request, headers: { accept: METADATA_LIST } }, signal);
    for (const { metadata } of page.items ?? []) items.push(pick(metadataOnly(resource, metadata)));
    next = page.metadata.continue || undefined;
    resourceVersion = page.metadata.resourceVersion;
  } while (next !== undefined);
  return { items, resourceVersion };
}

interface Page {
  readonly metadata: { readonly continue?: string; readonly resourceVersion: string };
  readonly items: readonly Pick<KubernetesObject, "metadata">[] | null;
}

/**
 * An object of its metadata alone, without the fields that other managers own: there may be many, and of any length.
 */
export function metadataOnly({ apiVersion, kind }: ApiResource, metadata: ObjectMeta): KubernetesObject {
  if (metadata.managedFields === undefined) return { apiVersion, kind, metadata };
  const managedFields = metadata.managedFields.map((entry) => {
    const { fieldsV1: _, ...others } = entry;
    return entry.manager === FIELD_MANAGER ? entry : others;
  });
  return { apiVersion, kind, metadata: { ...metadata, managedFields } };
}
