import { checkDeletable } from "./admission.ts";
import type { Target } from "./decode.ts";
import { badRequest, conflict } from "./failure.ts";
import { isJsonObject, type Json, objectOr } from "./json.ts";
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

/** The finalizer of an object whose dependents are to stay. */
export const ORPHAN = "orphan";

/** Reads the `DeleteOptions` of a request; the query adds to the body. */
export function readDeleteOptions(query: URLSearchParams, body: Json | undefined): DeleteOptions {
  const { propagationPolicy, preconditions, dryRun } = objectOr(body);
  const { uid, resourceVersion } = objectOr(preconditions);
  const propagation = query.get("propagationPolicy") ?? propagationPolicy ?? "Background";
  if (propagation !== "Background" && propagation !== "Foreground" && propagation !== "Orphan") {
    throw badRequest(`invalid propagationPolicy: ${JSON.stringify(propagation)}`);
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
    const finalizers = withPropagation(live.metadata.finalizers ?? [], options.propagation);
    const isGone = finalizers.length === 0 && type.kind !== "Namespace";
    if (options.isDryRun) return { object: live, isGone };
    if (isGone) return { object: this.#store.drop(type, live), isGone };
    return { object: this.#mark(type, live, finalizers), isGone };
  }

  #mark(type: ResourceType, live: KubeObject, finalizers: string[]): KubeObject {
    const isMarked = live.metadata.deletionTimestamp !== undefined;
    if (isMarked && finalizers.length === (live.metadata.finalizers ?? []).length) return live;
    const metadata = {
      ...live.metadata,
      finalizers,
      deletionTimestamp: live.metadata.deletionTimestamp ?? timestamp(),
      deletionGracePeriodSeconds: 0,
      ...(type.hasGeneration && !isMarked ? { generation: (live.metadata.generation ?? 1) + 1 } : {}),
    };
    if (type.kind !== "Namespace") return this.#store.put(type, { ...live, metadata });
    const { deletionGracePeriodSeconds: _, finalizers: own, ...kept } = metadata;
    const marked = own.length === 0 ? kept : { ...kept, finalizers: own };
    const status = { ...(isJsonObject(live.status) ? live.status : {}), phase: "Terminating" };
    return this.#store.put(type, { ...live, metadata: marked, status });
  }
}

function checkPreconditions(type: ResourceType, live: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion, name } = live.metadata;
  const refuse = (what: string, wanted: string, found?: string) =>
    conflict(type, name, `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`);
  if (options.uid !== undefined && options.uid !== uid) throw refuse("UID", options.uid, uid);
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    throw refuse("ResourceVersion", options.resourceVersion, resourceVersion);
  }
}

function withPropagation(finalizers: readonly string[], propagation: DeleteOptions["propagation"]): string[] {
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (propagation === "Foreground") return [...others, FOREGROUND];
  return propagation === "Orphan" ? [...others, ORPHAN] : others;
}
