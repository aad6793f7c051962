import { waitFor } from "../../run/wait.ts";

/** The cluster that a case runs on; `fetch` takes a path and brings the credentials. */
export interface CaseCluster {
  readonly url: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** What a cluster answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; an empty object when it is something else. */
  readonly body: Seen;
}

/** The fields of objects, lists and `Status` that the cases look at. */
export interface Seen {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: SeenMetadata;
  readonly items?: readonly Seen[];
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: SeenDetails;
  readonly gitVersion?: string;
  readonly groups?: readonly { readonly name: string; readonly preferredVersion: { readonly groupVersion: string } }[];
  readonly resources?: readonly SeenResource[];
}

/** What `details` of a `Status` says. */
export interface SeenDetails {
  readonly name?: string;
  readonly kind?: string;
  readonly group?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
}

/** One resource of a discovery answer. */
export interface SeenResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
}

/** `metadata` of an object or a list. */
export interface SeenMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly {
    readonly manager: string;
    readonly operation: string;
    readonly fieldsV1: unknown;
    readonly apiVersion?: string;
    readonly subresource?: string;
    readonly time?: string;
    readonly fieldsType?: string;
  }[];
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** What a request brings besides its method and path. */
export interface Asked {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

const METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/** Sends one request and reads the whole answer. */
export async function ask(cluster: CaseCluster, method: string, path: string, asked: Asked = {}): Promise<Answer> {
  const { body, contentType = "application/json", accept = "application/json" } = asked;
  const headers: Record<string, string> = body === undefined ? { accept } : { accept, "content-type": contentType };
  const response = await cluster.fetch(path, { method, headers, body: toText(body) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: toJson(text) };
}

/** Server-side apply; the object is made to fit the path. */
export async function apply(cluster: CaseCluster, path: string, body: unknown, query = ""): Promise<Answer> {
  const contentType = "application/apply-patch+yaml";
  const manager = query.includes("fieldManager=") ? "" : "fieldManager=case&";
  return await ask(cluster, "PATCH", `${path}?${manager}${query}`, { body, contentType });
}

/** A merge patch. */
export async function patch(cluster: CaseCluster, path: string, body: unknown, query = ""): Promise<Answer> {
  const contentType = "application/merge-patch+json";
  return await ask(cluster, "PATCH", `${path}${query === "" ? "" : `?${query}`}`, { body, contentType });
}

/** A JSON patch. */
export async function jsonPatch(cluster: CaseCluster, path: string, body: unknown, query = ""): Promise<Answer> {
  const contentType = "application/json-patch+json";
  return await ask(cluster, "PATCH", `${path}${query === "" ? "" : `?${query}`}`, { body, contentType });
}

/** A list of metadata only. */
export async function listMetadata(cluster: CaseCluster, path: string): Promise<Answer> {
  return await ask(cluster, "GET", path, { accept: METADATA_ONLY });
}

/** Asks until the claim holds, and returns the answer for which it did. */
export async function eventually(
  cluster: CaseCluster,
  path: string,
  holds: (answer: Answer) => boolean,
): Promise<Answer> {
  let text = "";
  return await waitFor(async () => {
    const answer = await ask(cluster, "GET", path);
    text = answer.text;
    return holds(answer) ? answer : undefined;
  }, { what: `see ${path} become as claimed`, intervalMs: 25, detail: () => Promise.resolve(text) });
}

/** The conditions of a status that are `True`. */
export function trueConditions(seen: Seen): readonly string[] {
  const { conditions } = (seen.status ?? {}) as { conditions?: { type: string; status: string }[] | null };
  return (conditions ?? []).filter((condition) => condition.status === "True").map((condition) => condition.type);
}

/** A name that no other case uses. */
export function unique(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
}

function toText(body: unknown): string | undefined {
  return body === undefined || typeof body === "string" ? body : JSON.stringify(body);
}

function toJson(text: string): Seen {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
