import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";
import { type Admin, adminOf } from "./admin.ts";
import { type ControlPlane, findControlPlane, readAudit, startControlPlane } from "./control_plane.ts";

const DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/web";

testWith("nodes", "startControlPlane() runs Pods, ends namespaces and keeps an audit log", async () => {
  await using control = await startHere();
  using admin = await adminOf(control.url, control);

  await admin.request("POST", "/api/v1/namespaces", namespace("shop"));
  await admin.request("POST", "/apis/apps/v1/namespaces/shop/deployments", deployment(3));
  await waitFor(() => available(admin, 3), { what: "see three replicas available" });
  await admin.request("DELETE", "/api/v1/namespaces/shop");
  await waitFor(() => gone(admin, "/api/v1/namespaces/shop"), { what: "see the namespace end" });

  const mine = await waitFor(() => deletion(control), { what: "find the deletion in the audit log" });
  assert.equal(mine.responseStatus?.code, 200);
  assert.match(mine.userAgent ?? "", /^Deno/);
});

testWith("nodes", "startApiServer() brings it back on the same port, with its data and its controllers", async () => {
  await using control = await startHere();
  {
    using admin = await adminOf(control.url, control);
    await admin.request("POST", "/api/v1/namespaces", namespace("shop"));
  }

  await control.stopApiServer();
  await assert.rejects(connect(control), Deno.errors.ConnectionRefused);
  await control.startApiServer();

  using admin = await adminOf(control.url, control);
  await admin.request("POST", "/apis/apps/v1/namespaces/shop/deployments", deployment(1));
  await waitFor(() => available(admin, 1), { what: "see the replica available" });
});

testWith("control plane", "stop() ends every process and removes the folder", async () => {
  const control = await startHere({ nodes: false });
  const folder = control.kubeconfigPath.replace(/\/kubeconfig$/, "");

  await control.stop();

  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  await assert.rejects(connect(control), Deno.errors.ConnectionRefused);
});

async function startHere(options: { nodes?: boolean } = {}): Promise<ControlPlane> {
  const binaries = await findControlPlane();
  assert.ok(binaries !== undefined);
  return await startControlPlane(binaries, options);
}

async function connect({ url }: ControlPlane): Promise<void> {
  const { hostname, port } = new URL(url);
  (await Deno.connect({ hostname, port: Number(port) })).close();
}

function namespace(name: string): unknown {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function deployment(replicas: number): unknown {
  const labels = { app: "web" };
  const spec = { containers: [{ name: "web", image: "example.com/web:1" }] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

async function available(admin: Admin, replicas: number): Promise<true | undefined> {
  const { status } = await admin.request<{ status: { availableReplicas?: number } }>("GET", DEPLOYMENT);
  return status.availableReplicas === replicas ? true : undefined;
}

async function gone(admin: Admin, path: string): Promise<true | undefined> {
  return await admin.exists(path) ? undefined : true;
}

async function deletion(control: ControlPlane) {
  const events = await readAudit(control);
  return events.find(({ verb, requestURI }) => verb === "delete" && requestURI === "/api/v1/namespaces/shop");
}
