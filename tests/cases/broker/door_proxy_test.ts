import assert from "node:assert/strict";
import { openBroker } from "../../../agent/doors.ts";
import { START } from "../../../agent/commands/mod.ts";
import { AGENT_DECLARATIONS } from "../../../agent/settings.ts";
import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import { readSettings } from "$lib/settings.ts";
import { locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { makeAuthority } from "../../fakes/certificates.ts";
import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { startConnectProxy } from "../../fakes/connect_proxy.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { testWith } from "../../run/parts.ts";
import { CONFIG_MAP } from "../reconcile/world.ts";

const AGENT = "11111111-1111-4111-8111-111111111111";
/** Names that only the proxy knows. */
const BROKER = "broker.invalid";
const API_SERVER = "kubernetes.default.svc";

Deno.test("the broker is reached by a tunnel of the proxy of HTTPS_PROXY, which sees nothing of what is said", async () => {
  const authority = await makeAuthority("one");
  await using broker = serve(await authority.issue(BROKER), () => new Response(null, { status: 204 }));
  await using proxy = await startConnectProxy({ [`${BROKER}:443`]: broker.port });

  await beat(authority.cert, { HTTPS_PROXY: proxy.url.replace("//", "//me:secret@") });

  assert.deepEqual(proxy.asked, [`${BROKER}:443`]);
  assert.deepEqual(proxy.credentials, [`Basic ${btoa("me:secret")}`]);
});

Deno.test("what NO_PROXY names is not asked of the proxy", async () => {
  const authority = await makeAuthority("one");
  await using proxy = await startConnectProxy({});

  const direct = beat(authority.cert, { HTTPS_PROXY: proxy.url, NO_PROXY: `${BROKER},.svc` });

  await assert.rejects(direct, { code: "broker_unavailable", message: /the name of the broker is not known here/ });
  assert.deepEqual(proxy.asked, []);
});

Deno.test("a proxy that leads nowhere is named", async () => {
  const authority = await makeAuthority("one");
  await using proxy = await startConnectProxy({});

  const refused = beat(authority.cert, { HTTPS_PROXY: proxy.url });

  const message = /the proxy does not lead to the broker: see HTTPS_PROXY, NO_PROXY and agent\.broker_url$/;
  await assert.rejects(refused, { code: "broker_unavailable", message });
  assert.deepEqual(proxy.asked, [`${BROKER}:443`]);
});

Deno.test("the simulated cluster behind TLS is reached by tunnels of the proxy, watches too", async () => {
  await using cluster = await startSimulatedCluster();
  const authority = await makeAuthority("one");
  await using front = serve(await authority.issue(API_SERVER), (request) => {
    const { pathname, search } = new URL(request.url);
    return fetch(`${cluster.url}${pathname}${search}`, request);
  });
  await tunnels({ port: front.port, ca: authority.cert, token: "simulated" });
});

testWith("control plane", "the real cluster is reached by tunnels of the proxy, watches too", async () => {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  await using control = await startControlPlane(binaries, { nodes: false, controllers: false });
  const ca = await Deno.readTextFile(control.caPath);
  await tunnels({ port: Number(new URL(control.url).port), ca, token: control.token });
});

interface Cluster {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
}

/**
 * By a name that leads nowhere, it reads, writes and hears of changes through the proxy; not where NO_PROXY names it.
 */
async function tunnels(cluster: Cluster): Promise<void> {
  await using proxy = await startConnectProxy({ [`${API_SERVER}:6443`]: cluster.port });
  await using direct = await open(cluster, { HTTPS_PROXY: proxy.url, NO_PROXY: ".svc" });
  await assert.rejects(direct.kubernetes.version(), {
    code: "kubernetes_unavailable",
    message: /the name of the API server is not known here: see server of cluster "c"/,
  });
  assert.deepEqual(proxy.asked, []);

  await using proxied = await open(cluster, { HTTPS_PROXY: proxy.url });
  const heard = await changesOf(proxied.kubernetes);

  assert.deepEqual(heard, ["added tunnelled"]);
  assert.ok(proxy.asked.length >= 2, "a request and a watch, on connections of their own");
  assert.deepEqual(new Set(proxy.asked), new Set([`${API_SERVER}:6443`]));
}

/** What a watch hears of the one object that is made. */
async function changesOf(kubernetes: Kubernetes): Promise<readonly string[]> {
  const stopping = new AbortController();
  const { resourceVersion } = await kubernetes.listMetadata(CONFIG_MAP, { namespace: "default" });
  const heard: string[] = [];
  const metadata = { name: "tunnelled", namespace: "default" };
  await kubernetes.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata });
  const watching = { namespace: "default", resourceVersion, signal: stopping.signal };
  for await (const event of kubernetes.watchMetadata(CONFIG_MAP, watching)) {
    heard.push(`${event.type} ${event.object.metadata.name}`);
    break;
  }
  stopping.abort();
  return heard;
}

function serve(
  certificate: { readonly cert: string; readonly key: string },
  answer: (request: Request) => Response | Promise<Response>,
) {
  const stopping = new AbortController();
  const where = { hostname: "127.0.0.1", port: 0, onListen() {}, signal: stopping.signal };
  const server = Deno.serve({ ...where, ...certificate }, answer);
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await server.finished;
    },
  };
}

async function beat(ca: string, env: Readonly<Record<string, string>>): Promise<void> {
  const caFile = await Deno.makeTempFile();
  await Deno.writeTextFile(caFile, ca);
  const args = [
    ...[`--agent-broker-url=https://${BROKER}`, "--agent-pak=p", "--agent-agent-name=a", "--agent-cluster-name=c"],
    `--agent-broker-ca-file=${caFile}`,
  ];
  const { settings } = readSettings(AGENT_DECLARATIONS, { args, env: {}, readFile: () => "", commands: [START] });
  const parts = { settings, env, fetch, clock: new ManualClock(), random, log: silentLog() };
  const client = openBroker(parts, { connected: { record() {} } });
  try {
    await client.beat(AGENT, {}, new AbortController().signal);
  } finally {
    client.close();
    await Deno.remove(caFile);
  }
}

async function open({ ca, token }: Cluster, env: Readonly<Record<string, string>>) {
  const kubeconfigPath = await Deno.makeTempFile();
  const cluster = { server: `https://${API_SERVER}:6443`, "certificate-authority-data": btoa(ca) };
  await Deno.writeTextFile(
    kubeconfigPath,
    JSON.stringify({
      ...{ apiVersion: "v1", kind: "Config", "current-context": "x" },
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    }),
  );
  const { metrics } = countingMetrics();
  const parts = { metrics, clock: systemClock(), random, log: silentLog(), userAgent: "test/1" };
  const kubernetes = await openKubernetes({ kubeconfigPath, env, ...parts });
  return {
    kubernetes,
    async [Symbol.asyncDispose]() {
      kubernetes.close();
      await Deno.remove(kubeconfigPath);
    },
  };
}
