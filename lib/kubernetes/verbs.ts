import { Failure } from "$lib/error.ts";
import type { HttpAnswer } from "./exchange.ts";
import { isRefused, withoutValues } from "./refusal.ts";
import type { NamedRequest, Sender } from "./sender.ts";
import {
  type ApiGroup,
  type ApiResource,
  type ApplyOptions,
  FIELD_MANAGER,
  type Kubernetes,
  type KubernetesObject,
  type ListOptions,
  type ObjectPlace,
} from "./types.ts";

/** The verbs of {@linkcode Kubernetes} that need nothing but a sender. */
export type KubernetesVerbs = Omit<Kubernetes, "defaultNamespace" | "close">;

const PAGE_SIZE = "1000";

const METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const JSON_TYPE = "application/json";

/** Says each verb in HTTP, and nothing else. */
export function kubernetesVerbs(send: Sender): KubernetesVerbs {
  return {
    version: (signal) => version(send, signal),
    discover: (apiVersion, signal) => discover(send, apiVersion, signal),
    discoverGroups: (signal) => discoverGroups(send, signal),
    get: (place, signal) => orUndefined(sendJson(send, request("get", place), signal)),
    listMetadata: (resource, options) => listMetadata(send, resource, options),
    create: (resource, object, signal) => create(send, { resource, object }, signal),
    apply: (place, object, options = {}) => apply(send, { place, object, ...options }),
    patch: (place, mergePatch, signal) => patch(send, { place, mergePatch }, signal),
    delete: (place, precondition, signal) => remove(send, { place, precondition }, signal),
  };
}

async function version(send: Sender, signal?: AbortSignal): Promise<string> {
  const request = { ...plainGet("/version", "read the API server's version"), isProbe: true };
  const { gitVersion } = await sendJson<{ gitVersion: string }>(send, request, signal);
  return gitVersion;
}

async function discover(
  send: Sender,
  apiVersion: string,
  signal?: AbortSignal,
): Promise<readonly ApiResource[] | undefined> {
  const list = await orUndefined(
    sendJson<ResourceList>(send, plainGet(groupPath(apiVersion), `discover "${apiVersion}"`), signal),
  );
  return list?.resources.filter(({ name }) => !name.includes("/")).map(({ name, kind, namespaced, verbs }) => ({
    apiVersion,
    kind,
    resource: name,
    namespaced,
    verbs,
  }));
}

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

async function discoverGroups(send: Sender, signal?: AbortSignal): Promise<readonly ApiGroup[]> {
  const { groups } = await sendJson<GroupList>(send, plainGet("/apis", "discover the API's groups"), signal);
  const named = groups.map(({ name, preferredVersion, versions }) => {
    const all = versions.map(({ groupVersion }) => groupVersion);
    const preferred = preferredVersion?.groupVersion;
    return { name, apiVersions: [...new Set(preferred === undefined ? all : [preferred, ...all])] };
  });
  return [{ name: "", apiVersions: ["v1"] }, ...named];
}

interface GroupList {
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { readonly groupVersion: string }[];
    readonly preferredVersion?: { readonly groupVersion: string };
  }[];
}

/** The API server forgets a list that is not read to its end in a few minutes: then it begins anew, once. */
async function listMetadata(
  send: Sender,
  resource: ApiResource,
  options: ListOptions,
): Promise<readonly KubernetesObject[]> {
  try {
    return await listPages(send, resource, options);
  } catch (error) {
    if (!isRefused(error, 410)) throw error;
    return await listPages(send, resource, options);
  }
}

async function listPages(
  send: Sender,
  resource: ApiResource,
  options: ListOptions,
): Promise<readonly KubernetesObject[]> {
  const items: KubernetesObject[] = [];
  let next: string | undefined;
  do {
    const page = await listPage(send, resource, { ...options, next });
    items.push(...page.items);
    next = page.next;
  } while (next !== undefined);
  return items;
}

async function listPage(
  send: Sender,
  resource: ApiResource,
  { namespace, labelSelector, next, signal }: ListOptions & { readonly next?: string },
): Promise<{ readonly items: readonly KubernetesObject[]; readonly next: string | undefined }> {
  const query = new URLSearchParams({ limit: PAGE_SIZE });
  if (labelSelector !== undefined) query.set("labelSelector", labelSelector);
  if (next !== undefined) query.set("continue", next);
  const list = await sendJson<MetadataList>(send, {
    operation: "list",
    method: "GET",
    path: `${collectionPath(resource, namespace)}?${query}`,
    headers: { accept: METADATA_LIST },
    what: `list ${resource.resource}`,
  }, signal);
  const { apiVersion, kind } = resource;
  return {
    items: (list.items ?? []).map(({ metadata }) => ({ apiVersion, kind, metadata })),
    next: list.metadata.continue || undefined,
  };
}

interface MetadataList {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly Pick<KubernetesObject, "metadata">[] | null;
}

function create(
  send: Sender,
  { resource, object }: { readonly resource: ApiResource; readonly object: KubernetesObject },
  signal?: AbortSignal,
): Promise<KubernetesObject> {
  const { name, namespace } = object.metadata;
  return sendJson(send, {
    ...request("create", { resource, namespace, name }),
    method: "POST",
    path: collectionPath(resource, namespace),
    headers: { accept: JSON_TYPE, "content-type": JSON_TYPE },
    body: JSON.stringify(object),
  }, signal);
}

interface ApplyRequest extends ApplyOptions {
  readonly place: ObjectPlace;
  readonly object: KubernetesObject;
}

/** The whole object is the answer: the API server takes a tenth longer to answer with its metadata alone. */
async function apply(
  send: Sender,
  { place, object, dryRun = false, signal }: ApplyRequest,
): ReturnType<Kubernetes["apply"]> {
  const query = `fieldManager=${FIELD_MANAGER}&force=true${dryRun ? "&dryRun=All" : ""}`;
  const answer = await send({
    ...request(dryRun ? "dry_run" : "apply", place),
    method: "PATCH",
    path: `${objectPath(place)}?${query}`,
    headers: { accept: JSON_TYPE, "content-type": "application/apply-patch+yaml" },
    body: JSON.stringify(object),
  }, signal);
  const { metadata } = parsed<KubernetesObject>(answer);
  return { object: { apiVersion: object.apiVersion, kind: object.kind, metadata }, isCreated: answer.status === 201 };
}

function patch(
  send: Sender,
  { place, mergePatch }: { readonly place: ObjectPlace; readonly mergePatch: unknown },
  signal?: AbortSignal,
): Promise<KubernetesObject | undefined> {
  return orUndefined(sendJson(send, {
    ...request("patch", place),
    method: "PATCH",
    path: objectPath(place),
    headers: { accept: JSON_TYPE, "content-type": "application/merge-patch+json" },
    body: JSON.stringify(mergePatch),
  }, signal));
}

async function remove(
  send: Sender,
  { place, precondition }: { readonly place: ObjectPlace; readonly precondition: { readonly uid: string } },
  signal?: AbortSignal,
): Promise<"gone" | "going"> {
  const answer = await orUndefined(sendJson<{ readonly kind: string }>(send, {
    ...request("delete", place),
    method: "DELETE",
    headers: { accept: JSON_TYPE, "content-type": JSON_TYPE },
    body: JSON.stringify({
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: precondition,
      propagationPolicy: "Background",
    }),
  }, signal));
  return answer === undefined || answer.kind === "Status" ? "gone" : "going";
}

/** A request about one object; a GET until it is made another. */
function request(operation: NamedRequest["operation"], place: ObjectPlace): NamedRequest {
  const { resource: { kind }, namespace, name } = place;
  const where = namespace === undefined ? "" : ` in namespace "${namespace}"`;
  return {
    operation,
    method: "GET",
    path: objectPath(place),
    headers: { accept: JSON_TYPE },
    what: `${operation === "dry_run" ? "apply" : operation} ${kind} "${name}"${where}`,
    ...(kind === "Secret" ? { mask: withoutValues } : {}),
  };
}

function plainGet(path: string, what: string): NamedRequest {
  return { operation: "get", method: "GET", path, headers: { accept: JSON_TYPE }, what };
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function collectionPath({ apiVersion, resource }: ApiResource, namespace: string | undefined): string {
  const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(apiVersion)}${scope}/${resource}`;
}

function objectPath({ resource, namespace, name }: ObjectPlace): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}

async function sendJson<T>(send: Sender, named: NamedRequest, signal?: AbortSignal): Promise<T> {
  return parsed<T>(await send(named, signal));
}

function parsed<T>({ text, status }: HttpAnswer): T {
  try {
    return JSON.parse(text) as T;
  } catch { // its message would quote the answer, which may be a Secret
    const message = `Cannot read the API server's answer of status ${status}: it is not JSON`;
    throw new Failure("kubernetes_unavailable", message, { details: { status } });
  }
}

/** The promise's value, or undefined when the API server says that there is no such thing. */
async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isRefused(error, 404)) return undefined;
    throw error;
  }
}
