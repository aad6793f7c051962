import assert from "node:assert/strict";
import { waitFor } from "../../run/wait.ts";
import { eventually } from "../../system/wait.ts";
import { type SimulatedCluster, startSimulatedCluster } from "./mod.ts";

const NAMESPACES = "/api/v1/namespaces";
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

Deno.test("startSimulatedCluster() writes a kubeconfig that goes with the cluster", async () => {
  const cluster = await startSimulatedCluster({ token: "secret" });
  const config = JSON.parse(await Deno.readTextFile(cluster.kubeconfigPath));
  await cluster.stop();

  assert.equal(config.clusters[0].cluster.server, cluster.url);
  assert.equal(config.users[0].user.token, "secret");
  await assert.rejects(Deno.stat(cluster.kubeconfigPath), Deno.errors.NotFound);
});

Deno.test("a simulated cluster with a token answers 401 to any other", async () => {
  await using cluster = await startSimulatedCluster({ token: "secret" });

  const answers = [await ask(cluster, "/version"), await ask(cluster, "/version", { authorization: "Bearer secret" })];

  assert.deepEqual(answers.map(({ status }) => status), [401, 200]);
  assert.equal(JSON.parse(answers[0]?.text ?? "").reason, "Unauthorized");
});

Deno.test("requests names verb, path, query, user agent and status of each request, in order", async () => {
  await using cluster = await startSimulatedCluster();

  await ask(cluster, `${NAMESPACES}?limit=1`, { "user-agent": "some-agent/1" });
  await ask(cluster, `${NAMESPACES}/none`);

  const seen = cluster.requests.map(({ verb, path, query, status }) => [verb, path, query, status]);
  assert.deepEqual(seen, [["list", NAMESPACES, "limit=1", 200], ["get", `${NAMESPACES}/none`, "", 404]]);
  assert.equal(cluster.requests[0]?.userAgent, "some-agent/1");
});

Deno.test("fault() answers 429 as the real server does, for as many requests as told", async () => {
  await using cluster = await startSimulatedCluster();
  cluster.fault({ verb: "list" }, { status: 429, retryAfterSeconds: 3, times: 2 });

  const answers = [await ask(cluster, NAMESPACES), await ask(cluster, NAMESPACES), await ask(cluster, NAMESPACES)];

  assert.deepEqual(answers.map(({ status }) => status), [429, 429, 200]);
  assert.deepEqual([answers[0]?.headers.get("retry-after"), answers[0]?.text], [
    "3",
    "Too many requests, please try again later.\n",
  ]);
});

Deno.test("fault() hits only what matches, until it is taken back", async () => {
  await using cluster = await startSimulatedCluster();
  const takeBack = cluster.fault({ method: "GET", path: /configmaps/, query: "limit=" }, {
    status: 500,
    times: Infinity,
  });

  const hit = [await ask(cluster, `${CONFIG_MAPS}?limit=1`), await ask(cluster, `${CONFIG_MAPS}?limit=2`)];
  const missed = [await ask(cluster, CONFIG_MAPS), await ask(cluster, `${NAMESPACES}?limit=1`)];
  takeBack();
  const after = await ask(cluster, `${CONFIG_MAPS}?limit=1`);

  assert.deepEqual([...hit, ...missed, after].map(({ status }) => status), [500, 500, 200, 200, 200]);
});

Deno.test("fault() breaks connections, and holds them", async () => {
  await using cluster = await startSimulatedCluster();
  cluster.fault({ path: "/version" }, { connection: "close" });
  cluster.fault({ path: "/version" }, { connection: "hang" });

  await assert.rejects(ask(cluster, "/version"), TypeError);
  const leaving = new AbortController();
  const held = assert.rejects(ask(cluster, "/version", {}, leaving.signal), { name: "AbortError" });
  await waitFor(() => Promise.resolve(cluster.arrivals[1]), { what: "see the request arrive" });
  leaving.abort();
  await held;
  const { status } = await ask(cluster, "/version");

  assert.equal(status, 200);
});

Deno.test("fault() holds a request until it is let go, and serves it then", async () => {
  await using cluster = await startSimulatedCluster();
  const released = Promise.withResolvers<void>();
  cluster.fault({ path: "/version" }, { until: released.promise });

  const held = ask(cluster, "/version");
  await waitFor(() => Promise.resolve(cluster.arrivals[0]), { what: "see the request arrive" });
  await ask(cluster, NAMESPACES);
  const answered = cluster.requests.map(({ path }) => path);
  released.resolve();

  assert.deepEqual(answered, [NAMESPACES]);
  assert.equal((await held).status, 200);
});

Deno.test("read(), write(), change() and remove() work past audit, token and faults", async () => {
  await using cluster = await startSimulatedCluster({ token: "secret" });
  const takeBack = cluster.fault({}, { status: 500, times: Infinity });
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" }, data: { a: "1" } };
  const path = `${CONFIG_MAPS}/one`;

  await cluster.write(object);
  await cluster.write({ ...object, data: { a: "2" } });
  const changed = await cluster.change(path, { data: { b: "3" } });
  await cluster.remove(path);
  await cluster.remove(path);
  takeBack();

  assert.deepEqual(changed.data, { a: "2", b: "3" });
  assert.equal(await cluster.read(path), undefined);
  assert.deepEqual(cluster.requests, []);
});

Deno.test("endWatches() ends open watches, with a 410 where it is wanted", async () => {
  await using cluster = await startSimulatedCluster();
  const open = () => fetch(`${cluster.url}${NAMESPACES}?watch=true&resourceVersion=99999&timeoutSeconds=600`);
  const over = await open();

  cluster.endWatches();
  const quiet = await over.text();
  const again = await open();
  cluster.endWatches({ isExpired: true });
  const { type, object } = JSON.parse(await again.text());

  assert.deepEqual([quiet, type, object.code, object.reason], ["", "ERROR", 410, "Expired"]);
});

Deno.test("acceptToken() refuses the token from before", async () => {
  await using cluster = await startSimulatedCluster({ token: "old" });
  const statusOf = async (token: string) =>
    (await ask(cluster, "/version", { authorization: `Bearer ${token}` })).status;
  const before = await statusOf("old");

  cluster.acceptToken("new");

  assert.deepEqual([before, await statusOf("old"), await statusOf("new")], [200, 401, 200]);
});

Deno.test("compact() makes old revisions and unfinished lists 410", async () => {
  await using cluster = await startSimulatedCluster();
  const { metadata } = JSON.parse((await ask(cluster, `${NAMESPACES}?limit=1`)).text);
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" } };
  await cluster.write(object);

  cluster.compact();

  const list = await ask(cluster, `${NAMESPACES}?limit=1&continue=${metadata.continue}`);
  const watch = await ask(cluster, `${CONFIG_MAPS}?watch=true&resourceVersion=${metadata.resourceVersion}`);
  assert.deepEqual([list.status, JSON.parse(list.text).reason], [410, "Expired"]);
  const event = JSON.parse(watch.text);
  assert.deepEqual([watch.status, event.type, event.object.code], [200, "ERROR", 410]);
});

Deno.test("a namespace waits for content that a finalizer keeps", async () => {
  await using cluster = await startSimulatedCluster({ controllerDelayMs: 1 });
  const path = `${NAMESPACES}/held/configmaps/one`;
  await cluster.write({ apiVersion: "v1", kind: "Namespace", metadata: { name: "held" } });
  const metadata = { name: "one", namespace: "held", finalizers: ["example.com/wait"] };
  await cluster.write({ apiVersion: "v1", kind: "ConfigMap", metadata });

  await cluster.remove(`${NAMESPACES}/held`);
  await eventually(
    "the content goes",
    async () => (await cluster.read(path))?.metadata.deletionTimestamp !== undefined,
  );
  const waiting = await cluster.read(`${NAMESPACES}/held`);
  await cluster.change(path, { metadata: { finalizers: null } });
  await eventually("the namespace is gone", async () => await cluster.read(`${NAMESPACES}/held`) === undefined);

  assert.deepEqual((waiting?.status as { phase: string }).phase, "Terminating");
});

async function ask(
  cluster: SimulatedCluster,
  path: string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) {
  const response = await fetch(`${cluster.url}${path}`, { headers, signal });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
