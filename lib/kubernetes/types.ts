/** A Kubernetes object, of whatever kind. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** An object to be created: one that names only `generateName` gets its name from the API server. */
export interface NewObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Partial<ObjectMeta>;
  readonly [field: string]: unknown;
}

/** The metadata that this project reads and writes. */
export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
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
  /** Whether the owner is the controller that made the object. */
  readonly controller?: boolean;
}

/** The manager that the fields which this project applies belong to. */
export const FIELD_MANAGER = "brokkr-controller";

/** The fields that one manager last set, and when. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  /** The version that the fields are written in. */
  readonly apiVersion?: string;
  readonly time?: string;
  /** What kind of set `fieldsV1` is: there is but `FieldsV1`. */
  readonly fieldsType?: string;
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
/**
 * How a request ended: `refused` is an answer that says no to what was asked, `error` no answer or one that says
 * nothing of it (401, 429, 5xx). That an object to be read is not there is `success`. A read that we ourselves cut
 * short has not ended.
 */
export const KUBERNETES_RESULTS = ["success", "refused", "error"] as const;
/** One of {@linkcode KUBERNETES_RESULTS}. */
export type KubernetesResult = (typeof KUBERNETES_RESULTS)[number];

/** An object's place in the API. */
export interface ObjectPlace {
  readonly resource: ApiResource;
  readonly namespace?: string;
  readonly name: string;
}

/** What is special about a write. */
export interface WriteOptions {
  /** Tried only: nothing is kept. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** What is special about an apply. */
export interface ApplyOptions extends WriteOptions {
  /** Whether fields that other managers own are taken over (the default), or make the apply a conflict. */
  readonly force?: boolean;
}

/** What is special about a patch. */
export interface PatchOptions {
  /** A merge patch (the default) or a list of JSON patch operations. */
  readonly type?: "merge" | "json";
  readonly signal?: AbortSignal;
}

/** What an object must still be, so that it is deleted. */
export interface DeletePreconditions {
  readonly uid: string;
  readonly resourceVersion?: string;
}

/** What the API server answered to an apply. */
export interface Applied {
  /**
   * The whole object as it is now, or would be. @throws {Failure} `kubernetes_unavailable` when the answer can't be
   * read.
   */
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

/** Objects of which only the metadata is asked for, and what is kept of each. */
export interface MetadataListOptions<T = KubernetesObject> extends ListOptions {
  /** Applied page by page, so that what is not kept of many objects never lies in memory all at once; left out: all. */
  readonly pick?: (object: KubernetesObject) => T;
}

/** Every object of a selection with its metadata alone, or what was picked of it. */
export interface MetadataList<T = KubernetesObject> {
  readonly items: readonly T[];
  /** Where a watch goes on from this list. */
  readonly resourceVersion: string;
}

/** Which changes are watched: those of a selection since a list, until the signal aborts. */
export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
}

/**
 * A change that a watch saw. Of a bookmark's object only `metadata.resourceVersion` says something: all before it was
 * seen.
 */
export interface WatchEvent {
  readonly type: "added" | "modified" | "deleted" | "bookmark";
  readonly object: KubernetesObject;
}

/** For whom a view of the door asks. */
export interface StackOptions {
  /** The user as whom it asks, whoever the credentials are. */
  readonly impersonate?: string;
}

/**
 * The Kubernetes door: every request is counted and timed by what it is.
 *
 * Each verb throws {@linkcode Failure}: `kubernetes_unavailable` when no answer came, or a 429, or a 5xx, after the
 * door's own retries, and `kubernetes_rejected` for any other refusal; `details.status` is the HTTP status,
 * `details.reason` the API server's reason word, `details.message` what it says. A signal cuts a read short; a write
 * that was sent is waited for, and not sent again.
 */
export interface Kubernetes {
  /**
   * The API server's version, such as `v1.36.3`. Asked once, past every limit, so that it tells how the server is now.
   */
  version(signal?: AbortSignal): Promise<string>;
  /** The resources of one group and version (`v1`, `apps/v1`), or undefined when the server has none. */
  discover(apiVersion: string, signal?: AbortSignal): Promise<readonly ApiResource[] | undefined>;
  /** Every group that the server knows, the core included. */
  discoverGroups(signal?: AbortSignal): Promise<readonly ApiGroup[]>;
  /**
   * The whole object, or undefined when there is none. Of a type that is not served (here, and in `patch` and `delete`)
   * it is `kubernetes_rejected` of status 404: a path that is not there says nothing of objects.
   */
  get(place: ObjectPlace, signal?: AbortSignal): Promise<KubernetesObject | undefined>;
  /** The first `limit` objects of a resource, whole, in one request. */
  list(resource: ApiResource, options: ListOptions & { readonly limit: number }): Promise<readonly KubernetesObject[]>;
  /**
   * All objects of a resource with only their metadata, page by page inside. Of `managedFields` only the entries of
   * {@linkcode FIELD_MANAGER} keep their `fieldsV1`, so that memory stays bounded by what is ours.
   */
  listMetadata<T = KubernetesObject>(
    resource: ApiResource,
    options: MetadataListOptions<T>,
  ): Promise<MetadataList<T>>;
  /**
   * Changes of a resource's metadata, as `listMetadata` gives it, with bookmarks; ends when the server closes it. A
   * watch is counted when it opens, is not tried again, and takes no other request's turn or connection.
   *
   * @throws {Failure} `kubernetes_rejected` of status 410 when `resourceVersion` is too old: then list anew.
   */
  watchMetadata(resource: ApiResource, options: WatchOptions): AsyncIterable<WatchEvent>;
  /** Creates by POST. */
  create(resource: ApiResource, object: NewObject, options?: WriteOptions): Promise<KubernetesObject>;
  /** Server-side apply as {@linkcode FIELD_MANAGER}. The answer says whether the object was created. */
  apply(place: ObjectPlace, object: KubernetesObject, options?: ApplyOptions): Promise<Applied>;
  /** Changes an object and answers it whole; undefined when it is gone. */
  patch(place: ObjectPlace, body: unknown, options?: PatchOptions): Promise<KubernetesObject | undefined>;
  /**
   * Deletes exactly the object that the preconditions name, what it owns in the background; gone already is success.
   *
   * @returns `going` when a finalizer, or a namespace's content, still keeps it.
   */
  delete(place: ObjectPlace, preconditions: DeletePreconditions, signal?: AbortSignal): Promise<"gone" | "going">;
  /** The same door; requests through it wait in this stack's queue, beside those of other stacks. */
  forStack(stackId: string, options?: StackOptions): Kubernetes;
  /**
   * The same door; writes through it wait for what `ready` gives, if anything, and fail as that does. Reads and dry
   * runs go at once.
   */
  writingAfter(ready: () => Promise<void> | undefined): Kubernetes;
  /** The same door; requests through it go at once, past every limit, and each is tried once. */
  unqueued(): Kubernetes;
  /** Milliseconds for which the API server asked that a stack's requests are not sent. */
  pauseMs(stackId: string): number;
  /** The namespace that the kubeconfig's context or the service account names, if any. */
  readonly defaultNamespace: string | undefined;
  /** Ends idle connections. */
  close(): void;
}
