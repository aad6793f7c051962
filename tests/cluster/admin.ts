import { pause } from "../run/wait.ts";
import type { Credentials } from "./credentials.ts";

/** What the control plane's own start, and its test, ask of the API server as the admin. */
export interface Admin extends Disposable {
  /** Sends JSON, answers JSON. @throws on every status but 2xx, with the server's message. */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Whether a GET is answered with 200; 404 is `false`, and so is 5xx. */
  exists(path: string): Promise<boolean>;
  /** Makes the node that kwok plays. */
  createNode(): Promise<void>;
  /** Whether that node takes Pods. */
  isNodeReady(): Promise<boolean>;
}

/** What the API server says of a kind that it has just learnt of, with how long that may take. */
const NOT_YET = 429;
const NODE = "node-1";
const CAPACITY = { cpu: "1000", memory: "1000Gi", pods: "10000", "ephemeral-storage": "1000Gi" };

/** The admin of the API server at `url`; rejects while there is no certificate yet. Disposing closes connections. */
export async function adminOf(url: string, { token, caPath }: Pick<Credentials, "token" | "caPath">): Promise<Admin> {
  const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(caPath)] });
  const send = (method: string, path: string, body?: unknown) =>
    fetch(`${url}${path}`, {
      client,
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
  const request = async <T>(method: string, path: string, body?: unknown) => {
    let response = await send(method, path, body);
    while (response.status === NOT_YET) {
      await response.body?.cancel();
      await pause(Number(response.headers.get("retry-after") ?? 1) * 1_000);
      response = await send(method, path, body);
    }
    if (!response.ok) throw new Error(`Cannot ${method} ${path}: ${response.status} ${await response.text()}`);
    return await response.json() as T;
  };
  return {
    request,
    exists: async (path) => {
      const response = await send("GET", path);
      await response.body?.cancel();
      return response.ok;
    },
    createNode: () => createNode(request),
    isNodeReady: () => isNodeReady(request),
    [Symbol.dispose]: () => client.close(),
  };
}

async function createNode(request: Admin["request"]): Promise<void> {
  await request("POST", "/api/v1/nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: NODE, labels: { "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux" } },
    status: { capacity: CAPACITY, allocatable: CAPACITY },
  });
}

interface Node {
  readonly spec?: { readonly taints?: readonly unknown[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function isNodeReady(request: Admin["request"]): Promise<boolean> {
  const { spec, status } = await request<Node>("GET", `/api/v1/nodes/${NODE}`);
  const isReady = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  return isReady && (spec?.taints ?? []).length === 0;
}
