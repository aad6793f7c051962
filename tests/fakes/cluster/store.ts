import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";

/** One change of the store, in the order of `revision`. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** The resource, as `storageKey` names it. */
  readonly resource: string;
  readonly revision: number;
  readonly object: KubeObject;
  /** What was there before. */
  readonly before?: KubeObject;
}

/** What plays etcd: the objects, their revisions and the last changes. */
export class Store {
  readonly #resources = new Map<string, Map<string, KubeObject>>();
  readonly #types = new Map<string, ResourceType>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  readonly #historyLimit: number;
  #history: StoreEvent[] = [];
  #revision = 1;
  #oldest = 1;

  constructor(options: { historyLimit: number }) {
    this.#historyLimit = options.historyLimit;
  }

  /** The revision of the newest change. */
  get revision(): number {
    return this.#revision;
  }

  /** One object, if it is there. */
  find(type: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#resources.get(storageKey(type))?.get(objectKey(namespace, name));
  }

  /** All objects of a resource, in one namespace or in all, ordered by namespace and name. */
  list(type: ResourceType, namespace?: string): KubeObject[] {
    const objects = [...(this.#resources.get(storageKey(type)) ?? [])];
    const mine = namespace === undefined ? objects : objects.filter(([key]) => key.startsWith(`${namespace}/`));
    return mine.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Every object of the cluster. */
  everything(): KubeObject[] {
    return [...this.#resources.values()].flatMap((objects) => [...objects.values()]);
  }

  /** Every object with the resource as which it was kept last. */
  *typed(): Iterable<{ type: ResourceType; object: KubeObject }> {
    for (const [resource, objects] of this.#resources) {
      const type = this.#types.get(resource);
      if (type !== undefined) { for (const object of objects.values()) yield { type, object }; }
    }
  }

  /** Keeps the object under a new resource version, and returns it with that. */
  put(type: ResourceType, object: KubeObject): KubeObject {
    const resource = storageKey(type);
    const objects = this.#resources.get(resource) ?? new Map<string, KubeObject>();
    this.#resources.set(resource, objects);
    this.#types.set(resource, type);
    const key = objectKey(object.metadata.namespace, object.metadata.name);
    const before = objects.get(key);
    const stored = this.#stamped(object);
    objects.set(key, stored);
    this.#record({ type: before ? "MODIFIED" : "ADDED", resource, revision: this.#revision, object: stored, before });
    return stored;
  }

  /** Forgets the object, which counts as a change of its own. */
  drop(type: ResourceType, object: KubeObject): KubeObject {
    const resource = storageKey(type);
    const key = objectKey(object.metadata.namespace, object.metadata.name);
    const before = this.#resources.get(resource)?.get(key);
    this.#resources.get(resource)?.delete(key);
    const stored = this.#stamped(object);
    this.#record({ type: "DELETED", resource, revision: this.#revision, object: stored, before });
    return stored;
  }

  /** The changes after a revision, or `undefined` when some are forgotten already. */
  since(revision: number): readonly StoreEvent[] | undefined {
    if (revision < this.#oldest) return undefined;
    return this.#history.filter((event) => event.revision > revision);
  }

  /** Forgets the changes up to now, as etcd's compaction does. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#revision;
  }

  /** Calls the listener with every change from now on, until the returned function is called. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #stamped(object: KubeObject): KubeObject {
    this.#revision += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } };
  }

  #record(event: StoreEvent): void {
    this.#history.push(event);
    if (this.#history.length > this.#historyLimit * 2) {
      this.#history = this.#history.slice(-this.#historyLimit);
      this.#oldest = (this.#history[0]?.revision ?? this.#revision) - 1;
    }
    for (const listener of this.#listeners) listener(event);
  }
}

/** The name under which all versions of a resource are stored. */
export function storageKey(type: ResourceType): string {
  return `${type.plural}.${type.storageGroup ?? type.group}`;
}

function objectKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}
