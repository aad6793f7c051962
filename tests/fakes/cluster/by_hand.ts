import type { Json, JsonObject } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { Registry } from "./registry.ts";
import { apiVersionOf, pathOf } from "./resources.ts";

/** Reads and edits of the cluster as a person makes them; the audit does not show them, faults do not hit them. */
export interface ByHand {
  /** The object or the list at this path, or `undefined` when there is none. */
  read(path: string): Promise<KubeObject | undefined>;
  /** Creates the object, or replaces the one of its name, as this field manager (`by-hand`). */
  write(object: JsonObject, manager?: string): Promise<KubeObject>;
  /** Lays a merge patch on the object at this path, `…/status` and `…/scale` too, as this field manager (`by-hand`). */
  change(path: string, patch: JsonObject, manager?: string): Promise<KubeObject>;
  /** Deletes the object at this path; nothing happens when there is none. */
  remove(path: string): Promise<void>;
}

/** What a request by hand sends, and as whom. */
interface Sent {
  readonly body?: Json;
  readonly manager?: string;
}

/** Makes the helpers over the server's own handler. */
export function byHand(handle: (request: Request) => Promise<Response>, registry: Registry): ByHand {
  async function send(method: string, path: string, sent: Sent = {}): Promise<KubeObject | undefined> {
    const { body, manager = "by-hand" } = sent;
    const mediaType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { "user-agent": `${manager}/1`, "content-type": mediaType };
    const url = new URL(path, "http://by-hand");
    const response = await handle(new Request(url, { method, headers, body: JSON.stringify(body) }));
    if (response.status === 404 && (method === "GET" || method === "DELETE")) return undefined;
    if (response.ok) return await response.json();
    throw new Error(`Cannot ${method} ${path} by hand: status is ${response.status}: ${await response.text()}`);
  }

  async function sent(method: string, path: string, sending: Sent): Promise<KubeObject> {
    const object = await send(method, path, sending);
    if (object === undefined) throw new Error(`Cannot ${method} ${path} by hand: there is no object`);
    return object;
  }

  return {
    read: (path) => send("GET", path),
    change: (path, patch, manager) => sent("PATCH", path, { body: patch, manager }),
    async write(object, manager) {
      const path = pathOfObject(registry, object as KubeObject);
      const live = await send("GET", path);
      if (live === undefined) {
        return await sent("POST", path.slice(0, path.lastIndexOf("/")), { body: object, manager });
      }
      const { resourceVersion } = live.metadata;
      const metadata = { resourceVersion, ...(object as KubeObject).metadata };
      return await sent("PUT", path, { body: { ...object, metadata }, manager });
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
