import { Failure, isFailure } from "$lib/error.ts";
import { type ApiResource, isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { type Backoff, jittered, runLoop, type Waiting } from "$lib/retry.ts";
import type { Discovery } from "../discovery.ts";
import { type SeenState, seenState } from "./drift.ts";
import { type GroupKind, groupKindText, OWNER_ID } from "../names.ts";
import { generationOf } from "../records/marks.ts";
import { ANY_SET } from "./sweep.ts";

/** An object as a watch sees it. */
export interface SeenObject extends SeenState {
  readonly namespace: string | undefined;
  readonly name: string;
  /** The agent that its annotation names. */
  readonly ownerId: string | undefined;
}

/** What a watch remembers of an object. */
export type SeenBefore = Pick<SeenState, "uid" | "digest" | "resourceVersion">;

/** Hears what watches of a kind see. */
export interface WatchListener {
  /** An object is new, or was changed since it was last seen. */
  seen(object: SeenObject, before: SeenBefore | undefined): void;
  /** An object is gone, or carries no set's label any more. */
  gone(place: Pick<SeenObject, "namespace" | "name">, before: SeenBefore): void;
}

/** What one watch is made of. */
export interface ScopeWatchParts extends Waiting {
  readonly kubernetes: Pick<Kubernetes, "listMetadata" | "watchMetadata">;
  readonly discovery: Pick<Discovery, "findAnyVersion" | "forget">;
  readonly log: Log;
  readonly groupKind: GroupKind;
  readonly listener: WatchListener;
  /** Hears that what is there was listed, and is watched from now on. */
  readonly onOpen: () => void;
  /** Hears that listing or watching is refused (403), each time. */
  readonly onRefused: (error: Failure) => void;
}

const BACKOFF: Backoff = { minMs: 1_000, maxMs: 60_000 };
/** After a watch that lived: the API server closes each after half an hour or so. */
const REOPEN_MS = 1_000;
/** A watch that ended sooner was as good as none: the pauses grow. */
const STEADY_MS = 30_000;
/** Rights may be given later. */
const REFUSED_PAUSE_MS = 300_000;

/**
 * Watches the metadata of one kind, in the whole cluster or in one namespace. Whatever ends a watch (an end in good
 * order, `410 Gone`, silence, a lost connection), what is there is listed, compared with what was seen last, and
 * watched anew.
 */
export class ScopeWatch {
  readonly #parts: ScopeWatchParts;
  readonly #namespace: string | undefined;
  /** By namespace and name. */
  readonly #known = new Map<string, SeenBefore>();
  #isOpen = false;

  constructor(parts: ScopeWatchParts, namespace?: string) {
    this.#parts = parts;
    this.#namespace = namespace;
  }

  /** Whether changes are seen as they happen, now. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves when `signal` has aborted and the watch has ended. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const turn = (turning: AbortSignal) => this.#turn(turning);
    const failed = (error: unknown, failures: number) => this.#failed(error, failures);
    await runLoop({ turn, failed, intervalMs: REOPEN_MS, backoff: BACKOFF }, this.#parts, signal);
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { clock, discovery, onRefused, random } = this.#parts;
    const resource = await this.#find(signal);
    const startMs = clock.monotonic();
    try {
      await this.#watch(resource, signal);
    } catch (error) {
      if (isRefused(error, 404)) discovery.forget(resource.apiVersion);
      if (!isFailure(error, "kubernetes_rejected", "kubernetes_unavailable")) throw error;
      if (isRefused(error, 403)) {
        onRefused(error);
        return await clock.sleep(jittered(REFUSED_PAUSE_MS, random), signal);
      }
      if (clock.monotonic() - startMs < STEADY_MS) throw error;
    } finally {
      this.#isOpen = false;
    }
  }

  async #find(signal: AbortSignal): Promise<ApiResource> {
    const { discovery, groupKind } = this.#parts;
    const resource = await discovery.findAnyVersion(groupKind, signal);
    if (resource !== undefined) return resource;
    throw new Failure("kubernetes_unavailable", `Cannot watch ${groupKindText(groupKind)}: no version of it is served`);
  }

  async #watch(resource: ApiResource, signal: AbortSignal): Promise<void> {
    const { clock, groupKind, kubernetes, onOpen } = this.#parts;
    const namespace = this.#namespace;
    const pick = (object: KubernetesObject) => seenObjectOf(groupKind, object);
    const selection = { ...(namespace === undefined ? {} : { namespace }), labelSelector: ANY_SET, signal };
    const { items, resourceVersion } = await kubernetes.listMetadata(resource, { ...selection, pick });
    this.#compare(items);
    this.#isOpen = true;
    onOpen();
    const openMs = clock.monotonic();
    for await (const { type, object } of kubernetes.watchMetadata(resource, { ...selection, resourceVersion })) {
      if (type === "bookmark") continue;
      const seen = pick(object);
      if (type === "deleted") this.#gone(keyOf(seen));
      else this.#seen(seen);
    }
    if (clock.monotonic() - openMs >= STEADY_MS) return;
    throw new Failure("kubernetes_unavailable", `Cannot watch ${resource.resource}: the API server closes it at once`);
  }

  #compare(objects: readonly SeenObject[]): void {
    const gone = new Set(this.#known.keys());
    for (const object of objects) {
      gone.delete(keyOf(object));
      this.#seen(object);
    }
    for (const key of gone) this.#gone(key);
  }

  #seen(object: SeenObject): void {
    const key = keyOf(object);
    const before = this.#known.get(key);
    const { uid, digest, resourceVersion } = object;
    if (before?.uid === uid && before.resourceVersion === resourceVersion) return;
    this.#known.set(key, { uid, digest, resourceVersion });
    this.#parts.listener.seen(object, before);
  }

  #gone(key: string): void {
    const before = this.#known.get(key);
    this.#known.delete(key);
    if (before !== undefined) this.#parts.listener.gone(placeOf(key), before);
  }

  #failed(error: unknown, failures: number): void {
    const { groupKind, log } = this.#parts;
    const fields = { kind: groupKindText(groupKind), namespace: this.#namespace, failures, error };
    if (failures === 1) log.warn("watch ended, will list and open it anew", fields);
    else log.debug("watch ended, will list and open it anew", fields);
  }
}

function seenObjectOf(groupKind: GroupKind, { metadata }: KubernetesObject): SeenObject {
  const { namespace, name, annotations } = metadata;
  const state = seenState({ ...metadata, generation: generationOf(groupKind, metadata) });
  return { ...state, namespace, name, ownerId: annotations?.[OWNER_ID] };
}

function keyOf({ namespace = "", name }: Pick<SeenObject, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}

function placeOf(key: string): Pick<SeenObject, "namespace" | "name"> {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash) || undefined, name: key.slice(slash + 1) };
}
