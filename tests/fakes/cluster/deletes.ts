import { checkDeletable } from "./admission.ts";
import type { Target } from "./decode.ts";
import { withConditions } from "./controllers/conditions.ts";
import { conflict, invalid } from "./failure.ts";
import { at, type Json, objectOr } from "./json.ts";
import { type KubeObject, timestamp } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";
import type { Writes } from "./writes.ts";

/** What a DELETE's query and body say. */
export interface DeleteOptions {
  readonly isDryRun: boolean;
  readonly propagation: "Background" | "Foreground" | "Orphan";
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** What is left of a deleted object: nothing, or the object that its finalizers still keep. */
export interface Deleted {
  readonly object: KubeObject;
  readonly isGone: boolean;
}

/** The finalizer of an object that waits for its dependents to go. */
export const FOREGROUND = "foregroundDeletion";

/** The finalizer under which a definition waits for its objects to go. */
export const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";

/** The finalizer of an object whose dependents are to stay. */
export const ORPHAN = "orphan";

/**
 * Reads the `DeleteOptions` of a request; the query adds to the body. What says nothing of dependents leaves them to be
 * collected, but for the pods of a Job, which stay.
 */
export function readDeleteOptions(type: ResourceType, query: URLSearchParams, body: Json | undefined): DeleteOptions {
  const { propagationPolicy, preconditions, dryRun } = objectOr(body);
  const { uid, resourceVersion } = objectOr(preconditions);
  const propagation = query.get("propagationPolicy") ?? propagationPolicy ??
    (type.kind === "Job" ? "Orphan" : "Background");
  if (propagation !== "Background" && propagation !== "Foreground" && propagation !== "Orphan") {
    const supported = ["Foreground", "Background", "Orphan", "nil"].map((one) => JSON.stringify(one)).join(", ");
    const message = `Unsupported value: ${JSON.stringify(propagation)}: supported values: ${supported}`;
    const cause = { reason: "FieldValueNotSupported", message, field: "propagationPolicy" };
    throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [cause]);
  }
  const isDryRun = query.getAll("dryRun").includes("All") || (Array.isArray(dryRun) && dryRun.includes("All"));
  return {
    isDryRun,
    propagation,
    ...(typeof uid === "string" ? { uid } : {}),
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
  };
}

/** The deleting verbs, over the store. */
export class Deletes {
  readonly #store: Store;
  readonly #writes: Writes;

  constructor(parts: { store: Store; writes: Writes }) {
    this.#store = parts.store;
    this.#writes = parts.writes;
  }

  /** Deletes the object of the target, or marks it when a finalizer keeps it. */
  remove(target: Target, options: DeleteOptions): Deleted {
    const { type } = target;
    const live = this.#writes.get(target);
    checkPreconditions(type, live, options);
    checkDeletable(type, live);
    const finalizers = withCleanup(type, withPropagation(live.metadata.finalizers ?? [], options.propagation));
    const isGone = finalizers.length === 0 && type.kind !== "Namespace";
    if (isGone) return { object: options.isDryRun ? live : this.#store.drop(type, live), isGone };
    const marked = markedForDeletion(type, live, finalizers);
    return { object: options.isDryRun || marked === live ? marked : this.#store.put(type, marked), isGone };
  }
}

function markedForDeletion(type: ResourceType, live: KubeObject, finalizers: string[]): KubeObject {
  const isMarked = live.metadata.deletionTimestamp !== undefined;
  if (isMarked && finalizers.length === (live.metadata.finalizers ?? []).length) return live;
  const deletionTimestamp = live.metadata.deletionTimestamp ?? timestamp();
  const metadata = { ...live.metadata, deletionTimestamp, ...(finalizers.length === 0 ? {} : { finalizers }) };
  if (type.kind === "Namespace") {
    return { ...live, metadata, status: { ...objectOr(live.status), phase: "Terminating" } };
  }
  if (type.kind === "CustomResourceDefinition") {
    return { ...live, metadata, status: { ...objectOr(live.status), conditions: terminating(live) } };
  }
  const generation = type.hasGeneration && !isMarked ? { generation: (live.metadata.generation ?? 1) + 1 } : {};
  return { ...live, metadata: { ...metadata, deletionGracePeriodSeconds: 0, ...generation } };
}

function terminating(crd: KubeObject): Json[] {
  const message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
  const wanted = { type: "Terminating", status: "True", reason: "InstanceDeletionPending", message } as const;
  return withConditions(at(crd, "status", "conditions"), [wanted]);
}

function checkPreconditions(type: ResourceType, live: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion, name } = live.metadata;
  const refuse = (what: string, why: string) => conflict({ ...type, plural: type.kind }, name, `the ${what} ${why}`);
  if (options.uid !== undefined && options.uid !== uid) {
    const records = `(${options.uid}) does not match the UID in record (${uid})`;
    throw refuse("UID in the precondition", `${records}. The object might have been deleted and then recreated`);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const records = `(${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion})`;
    throw refuse("ResourceVersion in the precondition", `${records}. The object might have been modified`);
  }
}

function withCleanup(type: ResourceType, finalizers: string[]): string[] {
  const isMissing = type.kind === "CustomResourceDefinition" && !finalizers.includes(CLEANUP);
  return isMissing ? [...finalizers, CLEANUP] : finalizers;
}

function withPropagation(finalizers: readonly string[], propagation: DeleteOptions["propagation"]): string[] {
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (propagation === "Foreground") return [...others, FOREGROUND];
  return propagation === "Orphan" ? [...others, ORPHAN] : others;
}
