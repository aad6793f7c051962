import { JSON_TYPE } from "$lib/json.ts";
import { listMetadata, listObjects } from "./lists.ts";
import {
  collectionPath,
  groupPath,
  objectPath,
  objectRequest,
  orNoObject,
  orUndefined,
  parsedAnswer,
  plainGet,
  sendJson,
} from "./requests.ts";
import type { HttpAnswer } from "./exchange.ts";
import type { Sender } from "./sender.ts";
import {
  type ApiGroup,
  type ApiResource,
  type Applied,
  type ApplyOptions,
  type DeletePreconditions,
  FIELD_MANAGER,
  type Kubernetes,
  type KubernetesObject,
  type NewObject,
  type ObjectPlace,
  type PatchOptions,
  type WriteOptions,
} from "./types.ts";
import { type LineSource, watchMetadata } from "./watches.ts";

/** The verbs of {@linkcode Kubernetes} that need nothing but a way to send. */
export type KubernetesVerbs = Omit<
  Kubernetes,
  "forStack" | "writingAfter" | "unqueued" | "pauseMs" | "defaultNamespace" | "close"
>;

const PATCH_TYPES = { merge: "application/merge-patch+json", json: "application/json-patch+json" };

/**
 * Nobody hears the warnings for whose sake the API server would read each manifest a second time: a sixth of its work.
 */
const UNWARNED = "fieldValidation=Ignore";

/** Says each verb in HTTP, and nothing else. */
export function kubernetesVerbs(send: Sender, open: LineSource): KubernetesVerbs {
  return {
    version: (signal) => version(send, signal),
    discover: (apiVersion, signal) => discover(send, apiVersion, signal),
    discoverGroups: (signal) => discoverGroups(send, signal),
    get: (place, signal) => orNoObject(sendJson(send, objectRequest("get", place), signal)),
    list: (resource, options) => listObjects(send, resource, options),
    listMetadata: (resource, options) => listMetadata(send, resource, options),
    watchMetadata: (resource, options) => watchMetadata(open, resource, options),
    create: (resource, object, options = {}) => create(send, { resource, object }, options),
    apply: (place, object, options = {}) => apply(send, { place, object }, options),
    patch: (place, body, options = {}) => patch(send, { place, body }, options),
    delete: (place, preconditions, signal) => remove(send, { place, preconditions }, signal),
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

function create(
  send: Sender,
  { resource, object }: { readonly resource: ApiResource; readonly object: NewObject },
  { dryRun = false, signal }: WriteOptions,
): Promise<KubernetesObject> {
  const { name, generateName, namespace } = object.metadata;
  const place = { resource, namespace, name: name ?? `${generateName}…` };
  return sendJson(send, {
    ...objectRequest(dryRun ? "dry_run" : "create", place),
    method: "POST",
    path: `${collectionPath(resource, namespace)}${dryRun ? "?dryRun=All" : ""}`,
    headers: { accept: JSON_TYPE, "content-type": JSON_TYPE },
    body: JSON.stringify(object),
  }, signal);
}

async function apply(
  send: Sender,
  { place, object }: { readonly place: ObjectPlace; readonly object: KubernetesObject },
  { dryRun = false, force = true, signal }: ApplyOptions,
): Promise<Applied> {
  const query = `fieldManager=${FIELD_MANAGER}&force=${force}${dryRun ? "&dryRun=All" : ""}&${UNWARNED}`;
  const answer = await send({
    ...objectRequest(dryRun ? "dry_run" : "apply", place),
    method: "PATCH",
    path: `${objectPath(place)}?${query}`,
    headers: { accept: JSON_TYPE, "content-type": "application/apply-patch+yaml" },
    body: JSON.stringify(object),
  }, signal);
  return new AppliedAnswer(answer);
}

/** Parsed when somebody looks at it: of what a dry run would create nobody does, and there are thousands. */
class AppliedAnswer implements Applied {
  readonly isCreated: boolean;
  readonly #answer: HttpAnswer;
  #object: KubernetesObject | undefined;

  constructor(answer: HttpAnswer) {
    this.isCreated = answer.status === 201;
    this.#answer = answer;
  }

  get object(): KubernetesObject {
    return this.#object ??= parsedAnswer<KubernetesObject>(this.#answer);
  }
}

function patch(
  send: Sender,
  { place, body }: { readonly place: ObjectPlace; readonly body: unknown },
  { type = "merge", signal }: PatchOptions,
): Promise<KubernetesObject | undefined> {
  return orNoObject(sendJson(send, {
    ...objectRequest("patch", place),
    method: "PATCH",
    headers: { accept: JSON_TYPE, "content-type": PATCH_TYPES[type] },
    body: JSON.stringify(body),
    isConditional: namesVersion(body),
  }, signal));
}

function namesVersion(body: unknown): boolean {
  const { metadata } = body as { readonly metadata?: { readonly resourceVersion?: unknown } };
  return metadata?.resourceVersion !== undefined;
}

async function remove(
  send: Sender,
  { place, preconditions }: { readonly place: ObjectPlace; readonly preconditions: DeletePreconditions },
  signal?: AbortSignal,
): Promise<"gone" | "going"> {
  const answer = await orNoObject(sendJson<{ readonly kind: string }>(send, {
    ...objectRequest("delete", place),
    method: "DELETE",
    headers: { accept: JSON_TYPE, "content-type": JSON_TYPE },
    body: JSON.stringify({
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions,
      propagationPolicy: "Background",
    }),
  }, signal));
  return answer === undefined || answer.kind === "Status" ? "gone" : "going";
}
