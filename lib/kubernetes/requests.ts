import { Failure } from "$lib/error.ts";
import { JSON_TYPE, parseJson } from "$lib/json.ts";
import type { HttpAnswer } from "./exchange.ts";
import { isRefused, ofSecret } from "./refusal.ts";
import type { NamedRequest, Sender } from "./sender.ts";
import type { ApiResource, ListOptions, ObjectPlace } from "./types.ts";

/** A request about one object; a GET until it is made another. */
export function objectRequest(operation: NamedRequest["operation"], place: ObjectPlace): NamedRequest {
  const { resource: { kind }, namespace, name } = place;
  const where = namespace === undefined ? "" : ` in namespace "${namespace}"`;
  return {
    operation,
    method: "GET",
    path: objectPath(place),
    headers: { accept: JSON_TYPE },
    what: `${operation === "dry_run" ? "apply" : operation} ${kind} "${name}"${where}`,
    place,
    ...maskOf(kind),
  };
}

/** A GET of a path that is no object. */
export function plainGet(path: string, what: string): NamedRequest {
  return { operation: "get", method: "GET", path, headers: { accept: JSON_TYPE }, what };
}

/** A GET of a resource's objects; whoever fails says which group's. */
export function listRequest(
  resource: ApiResource,
  { namespace, labelSelector, ...query }: Omit<ListOptions, "signal"> & Readonly<Record<string, string | undefined>>,
): NamedRequest {
  const given = Object.entries({ labelSelector, ...query }).filter((pair) => pair[1] !== undefined) as string[][];
  const { apiVersion, resource: plural, kind } = resource;
  return {
    operation: "list",
    method: "GET",
    path: `${collectionPath(resource, namespace)}?${new URLSearchParams(given)}`,
    headers: { accept: JSON_TYPE },
    what: `list ${apiVersion.includes("/") ? `${plural}.${apiVersion}` : plural}`,
    ...maskOf(kind),
  };
}

/** What the API server quotes of a Secret must not be repeated. */
function maskOf(kind: string): Pick<NamedRequest, "mask"> {
  return kind === "Secret" ? { mask: ofSecret } : {};
}

/** Where a group and version is in the API. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** Where a resource is in the API. */
export function collectionPath({ apiVersion, resource }: ApiResource, namespace: string | undefined): string {
  const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(apiVersion)}${scope}/${resource}`;
}

/** Where an object is in the API. */
export function objectPath({ resource, namespace, name }: ObjectPlace): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}

/** Sends, and reads the answer as JSON. */
export async function sendJson<T>(send: Sender, named: NamedRequest, signal?: AbortSignal): Promise<T> {
  return parsedAnswer<T>(await send(named, signal));
}

/**
 * The answer as JSON.
 *
 * @throws {Failure} `kubernetes_unavailable` when it is something else; quotes nothing of it, for it may be a Secret.
 */
export function parsedAnswer<T>({ text, status }: Pick<HttpAnswer, "text" | "status">): T {
  try {
    return parseJson(text) as T;
  } catch {
    const message = `Cannot read the API server's answer of status ${status}: it is not JSON`;
    throw new Failure("kubernetes_unavailable", message, { details: { status } });
  }
}

/**
 * The promise's value, or undefined when the API server says that there is no such object. That there is no such path
 * says nothing of objects: their type may be served by another version.
 */
export async function orNoObject<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isRefused(error, 404) && error.details?.reason === "NotFound" && error.details.message !== NO_SUCH_PATH) {
      return undefined;
    }
    throw error;
  }
}

const NO_SUCH_PATH = "the server could not find the requested resource";

/** The promise's value, or undefined when the API server says that there is no such thing. */
export async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isRefused(error, 404)) return undefined;
    throw error;
  }
}
