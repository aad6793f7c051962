/** A Kubernetes object, of whatever kind. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** The metadata that this project reads and writes. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly deletionTimestamp?: string;
  readonly managedFields?: readonly ManagedFields[];
  readonly finalizers?: readonly string[];
}

/** The object that another one goes away with. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The manager that the fields which this project applies belong to. */
export const FIELD_MANAGER = "brokkr-controller";

/** The fields that one manager last set, and when. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: unknown;
}

/** One resource of a group and version, as discovery names it. */
export interface ApiResource {
  readonly apiVersion: string;
  readonly kind: string;
  /** The plural name in paths. */
  readonly resource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** The kinds of requests the door tells apart in metrics. */
export const KUBERNETES_OPERATIONS = [
  "apply",
  "dry_run",
  "delete",
  "get",
  "list",
  "watch",
  "create",
  "patch",
] as const;
/** One of {@linkcode KUBERNETES_OPERATIONS}. */
export type KubernetesOperation = (typeof KUBERNETES_OPERATIONS)[number];
/** How a request ended: `error` is no answer (we may have cut it short), or one of status 400 or above (a 404, too). */
export const KUBERNETES_RESULTS = ["success", "error"] as const;

/** An object's place in the API. */
export interface ObjectPlace {
  readonly resource: ApiResource;
  readonly namespace?: string;
  readonly name: string;
}

/** What an apply asks for. */
export interface ApplyOptions {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** What the API server answered to an apply. */
export interface Applied {
  readonly object: KubernetesObject;
  /** Whether there was no such object before (status 201). */
  readonly isCreated: boolean;
}

/** A group of the API: its name (empty for the core) and its group versions, the preferred one first. */
export interface ApiGroup {
  readonly name: string;
  readonly apiVersions: readonly string[];
}

/** Which objects of a resource are asked for; without a namespace, those of all. */
export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly signal?: AbortSignal;
}

/**
 * The Kubernetes door: every request is counted and timed by what it is.
 *
 * Each verb throws {@linkcode Failure}: `kubernetes_unavailable` when no answer came, or a 429, or a 5xx, after the
 * door's own retries, and `kubernetes_rejected` for any other refusal; `details.status` is the HTTP status,
 * `details.reason` the API server's reason word, `details.message` what it says. A signal cuts a read short; a write that
 * was sent is waited for, and not sent again.
 */
export interface Kubernetes {
  /** The API server's version, such as `v1.36.3`. Asked once, past every limit, so that it tells how the server is now. */
  version(signal?: AbortSignal): Promise<string>;
  /** The resources of one group and version (`v1`, `apps/v1`), or undefined when the server has none. */
  discover(apiVersion: string, signal?: AbortSignal): Promise<readonly ApiResource[] | undefined>;
  /** Every group that the server knows, the core included. */
  discoverGroups(signal?: AbortSignal): Promise<readonly ApiGroup[]>;
  /** The object, or undefined when there is none. */
  get(place: ObjectPlace, signal?: AbortSignal): Promise<KubernetesObject | undefined>;
  /** All objects of a resource with only their metadata, page by page inside. */
  listMetadata(resource: ApiResource, options: ListOptions): Promise<readonly KubernetesObject[]>;
  /** Creates by POST. */
  create(resource: ApiResource, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>;
  /** Server-side apply as `brokkr-controller`, by force. The answer says whether the object was created. */
  apply(place: ObjectPlace, object: KubernetesObject, options?: ApplyOptions): Promise<Applied>;
  /** Changes by merge patch; undefined when the object is gone. */
  patch(place: ObjectPlace, mergePatch: unknown, signal?: AbortSignal): Promise<KubernetesObject | undefined>;
  /**
   * Deletes exactly the object of `uid`, what it owns in the background; gone already is success.
   *
   * @returns `going` when a finalizer, or a namespace's content, still keeps it.
   */
  delete(place: ObjectPlace, precondition: { readonly uid: string }, signal?: AbortSignal): Promise<"gone" | "going">;
  /** The namespace that the kubeconfig's context or the service account names, if any. */
  readonly defaultNamespace: string | undefined;
  /** Ends idle connections. */
  close(): void;
}
