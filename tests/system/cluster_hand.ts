import type { KubernetesObject } from "$lib/kubernetes.ts";

/** A person's hand in a cluster: plain requests with the admin's token, beside the agent. */
export interface ClusterHand extends Disposable {
  readonly kubeconfigPath: string;
  /** The object at a path of the API, or undefined when there is none. */
  get(path: string): Promise<KubernetesObject | undefined>;
  /** The objects of a collection. */
  list(path: string): Promise<readonly KubernetesObject[]>;
  /** Calls back with each object of a collection, and each time that one changes, until the signal aborts. */
  watch(path: string, onObject: (object: KubernetesObject) => void, signal: AbortSignal): Promise<void>;
  /** Creates in a collection. */
  create(path: string, object: unknown): Promise<void>;
  /** Merge-patches an object. */
  patch(path: string, change: unknown): Promise<void>;
  /** Deletes an object in the background. */
  remove(path: string): Promise<void>;
}

/** What the hand reaches for. */
export interface ClusterAddress {
  readonly url: string;
  readonly token: string;
  readonly kubeconfigPath: string;
  /** The certificate authority, where `url` is https. */
  readonly caPath?: string;
}

/**
 * A hand in the cluster at an address. Every call but `get` of what is not there throws for a status of 300 and more.
 */
export async function clusterHand({ url, token, kubeconfigPath, caPath }: ClusterAddress): Promise<ClusterHand> {
  const client = caPath === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [await Deno.readTextFile(caPath)] });
  const options = client === undefined ? {} : { client };
  const asHand = { authorization: `Bearer ${token}`, "user-agent": "hand" };
  async function send(method: string, path: string, body?: unknown, type = "application/json") {
    const answer = await fetch(`${url}${path}`, {
      ...options,
      method,
      headers: { ...asHand, "content-type": type },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status === 404 && method === "GET") return undefined;
    if (!answer.ok) throw new Error(`Cannot ${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
  return {
    kubeconfigPath,
    get: (path) => send("GET", path),
    list: async (path) => (await send("GET", path))?.items ?? [],
    async watch(path, onObject, signal) {
      const answer = await fetch(`${url}${path}?watch=1`, { ...options, headers: asHand, signal });
      let rest = "";
      for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = `${rest}${piece}`.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onObject(JSON.parse(line).object);
      }
    },
    create: (path, object) => send("POST", path, object),
    patch: (path, change) => send("PATCH", path, change, "application/merge-patch+json"),
    remove: (path) => send("DELETE", path, { propagationPolicy: "Background" }),
    [Symbol.dispose]: () => client?.close(),
  };
}
