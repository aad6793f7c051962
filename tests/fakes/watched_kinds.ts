import type {
  ApiResource,
  Kubernetes,
  KubernetesObject,
  MetadataList,
  MetadataListOptions,
  ObjectMeta,
  WatchEvent,
  WatchOptions,
} from "$lib/kubernetes.ts";

/** A watch that the code under test has open. */
export interface OpenWatch {
  readonly namespace: string | undefined;
  readonly resourceVersion: string;
  send(type: WatchEvent["type"], metadata: ObjectMeta): void;
  /** The API server closes it in good order, or an error ends it. */
  end(error?: Error): void;
}

/** Objects of one resource, listed and watched without an API server: what is there, a test sets and sends. */
export class WatchedKind {
  readonly resource: ApiResource;
  /** What a list answers, by namespace; `""` is the whole cluster. An error is what it rejects with. */
  readonly answers = new Map<string, readonly ObjectMeta[] | Error>();
  /** The lists asked for, in order: their namespaces. */
  readonly lists: string[] = [];
  /** The watches that are open. */
  readonly open = new Set<OpenWatch>();

  constructor(resource: ApiResource) {
    this.resource = resource;
  }

  /** The door, as far as lists and watches need it. */
  get kubernetes(): Pick<Kubernetes, "listMetadata" | "watchMetadata"> {
    return {
      listMetadata: (_, options) => this.#list(options),
      watchMetadata: (_, options) => this.#watch(options),
    };
  }

  /** The one watch that is open. */
  get only(): OpenWatch {
    const [watch, another] = this.open;
    if (watch === undefined || another !== undefined) throw new Error(`${this.open.size} watches are open`);
    return watch;
  }

  #list<T>({ namespace = "", pick, signal }: MetadataListOptions<T>): Promise<MetadataList<T>> {
    signal?.throwIfAborted();
    this.lists.push(namespace);
    const answer = this.answers.get(namespace) ?? [];
    if (answer instanceof Error) return Promise.reject(answer);
    const keep = pick ?? ((object: KubernetesObject) => object as T);
    const items = answer.map((metadata) => keep(this.#object(metadata)));
    return Promise.resolve({ items, resourceVersion: String(this.lists.length) });
  }

  async *#watch({ namespace, resourceVersion, signal }: WatchOptions): AsyncGenerator<WatchEvent> {
    const pipe = new TransformStream<WatchEvent, WatchEvent>({}, { highWaterMark: 1_000 }, { highWaterMark: 1_000 });
    const writer = pipe.writable.getWriter();
    const end = (error?: Error) => void (error === undefined ? writer.close() : writer.abort(error)).catch(() => {});
    const watch: OpenWatch = {
      namespace,
      resourceVersion,
      send: (type, metadata) => void writer.write({ type, object: this.#object(metadata) }).catch(() => {}),
      end,
    };
    const stop = () => end(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    this.open.add(watch);
    try {
      yield* pipe.readable;
    } finally {
      this.open.delete(watch);
      signal.removeEventListener("abort", stop);
    }
  }

  #object(metadata: ObjectMeta): KubernetesObject {
    const { apiVersion, kind } = this.resource;
    return { apiVersion, kind, metadata };
  }
}
