import type { Json, JsonObject } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { Registry } from "./registry.ts";
import { apiVersionOf, pathOf } from "./resources.ts";

/** Reads and edits of the cluster as a person makes them; the audit does not show them, faults do not hit them. */
export interface ByHand {
  /** The object or the list at this path, or `undefined` when there is none. */
  read(path: string): Promise<KubeObject | undefined>;
  /** Creates the object, or replaces the one of its name. */
  write(object: JsonObject): Promise<KubeObject>;
  /** Lays a merge patch on the object at this path. */
  change(path: string, patch: JsonObject): Promise<KubeObject>;
  /** Deletes the object at this path; nothing happens when there is none. */
  remove(path: string): Promise<void>;
}

const HEADERS = { "user-agent": "by-hand/1", "content-type": "application/json" };

/** Makes the helpers over the server's own handler. */
export function byHand(handle: (request: Request) => Promise<Response>, registry: Registry): ByHand {
  async function send(method: string, path: string, body?: Json): Promise<KubeObject | undefined> {
    const mediaType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { ...HEADERS, "content-type": mediaType };
    const url = new URL(path, "http://by-hand");
    const response = await handle(new Request(url, { method, headers, body: JSON.stringify(body) }));
    if (response.status === 404 && (method === "GET" || method === "DELETE")) return undefined;
    if (response.ok) return await response.json();
    throw new Error(`Cannot ${method} ${path} by hand: status is ${response.status}: ${await response.text()}`);
  }

  async function sent(method: string, path: string, body: Json): Promise<KubeObject> {
    const object = await send(method, path, body);
    if (object === undefined) throw new Error(`Cannot ${method} ${path} by hand: there is no object`);
    return object;
  }

  return {
    read: (path) => send("GET", path),
    change: (path, patch) => sent("PATCH", path, patch),
    async write(object) {
      const path = pathOfObject(registry, object as KubeObject);
      const live = await send("GET", path);
      if (live === undefined) return await sent("POST", path.slice(0, path.lastIndexOf("/")), object);
      const { resourceVersion } = live.metadata;
      const metadata = { resourceVersion, ...(object as KubeObject).metadata };
      return await sent("PUT", path, { ...object, metadata });
    },
    async remove(path) {
      await send("DELETE", path);
    },
  };
}

function pathOfObject(registry: Registry, { apiVersion, kind, metadata }: KubeObject): string {
  const type = registry.all().find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  if (type === undefined) throw new Error(`Cannot find the path of a ${kind} of ${apiVersion}: no such kind is served`);
  return pathOf(type, metadata.namespace ?? "default", metadata.name);
}
