import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { type Clock, systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { type Kubernetes, type KubernetesObject, openKubernetes } from "$lib/kubernetes.ts";
import { type ControlPlane, findControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { NOBODYS_KUBECONFIG } from "../../fakes/kubeconfig.ts";
import { makeAuthority } from "../../fakes/certificates.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { startRelay } from "../../fakes/relay.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { testWith } from "../../run/parts.ts";
import { CONFIG_MAP } from "./world.ts";

/** A write's, the longer one. */
const DEADLINE_MS = 40_000;
/** What an API server lets be configured, and a moment until it has said so. */
const LONGEST_WEBHOOK_MS = 31_000;
/** Two minutes for a busy machine, in which the door's clock goes by less than the deadline of a read: 30 s. */
const LOOKS_MAX = 24_000;

Deno.test("frozen connections to an API server without TLS are replaced after one deadline", async () => {
  await using cluster = await startSimulatedCluster();
  await goesOnWhereConnectionsFreeze(cluster);
});

Deno.test("a field that can't be changed is one line: its path, and that", async () => {
  await using cluster = await startSimulatedCluster();
  await namesTheField(cluster);
});

Deno.test("a server that is sent much over TLS is asked to say at once that it goes on, so that nothing waits 40 ms", async () => {
  await using server = await serveTls();
  const kubernetes = await open(server.kubeconfigPath, systemClock());

  for (const length of [10, 2_000]) {
    const { object } = await kubernetes.apply(placeOf("a"), { ...configMap("a"), data: { value: "x".repeat(length) } });
    assert.equal(object.metadata.name, "a");
  }
  kubernetes.close();

  assert.deepEqual(server.asked, [false, true, false]); // who does not know the word gets the same without it
});

Deno.test("a write is waited for longer than an API server waits for a webhook", async () => {
  const [held, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let count = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    count += 1;
    asked.resolve();
    await held.promise;
    return new Response(await request.text());
  });
  const path = await Deno.makeTempFile();
  const address = `http://127.0.0.1:${server.addr.port}`;
  await Deno.writeTextFile(path, NOBODYS_KUBECONFIG.replace("http://127.0.0.1:1", address));
  const clock = new ManualClock();
  const kubernetes = await open(path, clock);

  const applying = kubernetes.apply(placeOf("a"), configMap("a"), { dryRun: true });
  await asked.promise;
  await clock.advance(LONGEST_WEBHOOK_MS);
  held.resolve();

  assert.equal((await applying).object.metadata.name, "a");
  assert.equal(count, 1);
  kubernetes.close();
  await Deno.remove(path);
});

testWith("control plane", "the door on a real API server", async (test) => {
  const binaries = await findControlPlane();
  assert.ok(binaries !== undefined);
  await using control = await startControlPlane(binaries, { controllers: false });

  await test.step("a frozen HTTP/2 connection is replaced after one deadline", async () => {
    await goesOnWhereConnectionsFreeze(control);
  });
  await test.step("a field that can't be changed is one line: its path, and that", async () => {
    await namesTheField(control);
  });
  await test.step("a hundred and twenty watches leave every other request its connection", async () => {
    await hasRoomBesideWatches(control);
  });
  await test.step("who asks as somebody else does so on every path, with every group", async () => {
    await asksAsSomebodyElse(control);
  });
  await test.step("an authority that is replaced is read again", async () => {
    await trustsANewAuthority(control);
  });
});

/** Requests, writes and a watch go on, with a clock that passes exactly one deadline. */
async function goesOnWhereConnectionsFreeze({ url, kubeconfigPath }: Pick<ControlPlane, "url" | "kubeconfigPath">) {
  const { hostname, port, protocol } = new URL(url);
  await using relay = startRelay({ port: Number(port) });
  const config = await Deno.makeTempFile();
  const server = `${protocol}//${hostname}:${relay.port}`;
  await Deno.writeTextFile(config, (await Deno.readTextFile(kubeconfigPath)).replaceAll(url, server));
  const clock = new ManualClock();
  const kubernetes = await open(config, clock);
  const stopping = new AbortController();
  await kubernetes.version();
  await kubernetes.apply(placeOf("before"), configMap("before"));
  const { resourceVersion } = await kubernetes.listMetadata(CONFIG_MAP, { namespace: "default" });
  const watch = kubernetes.watchMetadata(CONFIG_MAP, {
    namespace: "default",
    resourceVersion,
    signal: stopping.signal,
  });
  const watched = watch[Symbol.asyncIterator]();
  const first = watched.next();
  await kubernetes.apply(placeOf("before"), { ...configMap("before"), data: { value: "2" } });
  assert.equal((await first).value?.object.metadata.name, "before");

  const brokenOff = assert.rejects(untilEnd(watched), { code: "kubernetes_unavailable" });
  relay.freezeOpen();
  const [{ object }, got] = await passes(clock, DEADLINE_MS, () => [
    kubernetes.apply(placeOf("during"), configMap("during")),
    kubernetes.get(placeOf("before")),
    kubernetes.list(CONFIG_MAP, { namespace: "default", limit: 10 }),
  ]);
  await clock.advance(90_000 - DEADLINE_MS);
  await brokenOff;
  const again = kubernetes.watchMetadata(CONFIG_MAP, { resourceVersion, signal: stopping.signal });

  assert.deepEqual([object.metadata.name, got?.metadata.name], ["during", "before"]);
  assert.notEqual((await again[Symbol.asyncIterator]().next()).value, undefined);
  stopping.abort();
  kubernetes.close();
  await Deno.remove(config);
}

/**
 * Sends requests and, once each is on its way or answered over a connection that is not frozen, lets the clock go by
 * `ms`, and after it only by the pauses before another try, until all are answered.
 */
async function passes<Answers extends unknown[]>(
  clock: ManualClock,
  ms: number,
  send: () => { readonly [At in keyof Answers]: Promise<Answers[At]> },
): Promise<Answers> {
  let ended = 0;
  const requests = send();
  for (const request of requests) request.finally(() => ended += 1).catch(() => {});
  await clock.settle(); // no time has passed after which files would be looked at first: each is on its way
  await clock.advance(ms);
  for (let looks = 0; ended < requests.length && looks < LOOKS_MAX; looks += 1) {
    await clock.advance(1); // a pause before another try is shorter than a second, and may begin late
    await setTimeout(5);
  }
  assert.equal(ended, requests.length, "the work does not go on");
  return await Promise.all(requests) as Answers;
}

async function untilEnd(iterator: AsyncIterator<unknown>): Promise<void> {
  while ((await iterator.next()).done !== true);
}

async function namesTheField({ kubeconfigPath }: Pick<ControlPlane, "kubeconfigPath">): Promise<void> {
  const kubernetes = await open(kubeconfigPath, systemClock());
  const resource = { apiVersion: "batch/v1", kind: "Job", resource: "jobs", namespaced: true, verbs: [] };
  const metadata = { name: "once", namespace: "default" };
  const apply = (image: string) => {
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image }] } };
    const object = { apiVersion: "batch/v1", kind: "Job", metadata, spec: { template } };
    return kubernetes.apply({ resource, ...metadata }, object, { dryRun: image === "two" });
  };
  await apply("one");

  await assert.rejects(apply("two"), {
    code: "kubernetes_rejected",
    message:
      'Cannot apply Job "once" in namespace "default": Job.batch "once" is invalid: spec.template: field is immutable',
  });
  kubernetes.close();
}

async function hasRoomBesideWatches({ kubeconfigPath }: ControlPlane): Promise<void> {
  const kubernetes = await open(kubeconfigPath, systemClock());
  const stopping = new AbortController();
  const { resourceVersion } = await kubernetes.listMetadata(CONFIG_MAP, {});
  const watches = Array.from({ length: 120 }, () => {
    const events = kubernetes.watchMetadata(CONFIG_MAP, { resourceVersion, signal: stopping.signal });
    return events[Symbol.asyncIterator]();
  });
  const firsts = watches.map((watch) => watch.next());
  await kubernetes.apply(placeOf("watched"), configMap("watched"));

  assert.equal((await Promise.all(firsts)).length, 120);
  assert.match(await kubernetes.version(), /^v1\./);
  stopping.abort();
  kubernetes.close();
}

async function asksAsSomebodyElse({ kubeconfigPath }: ControlPlane): Promise<void> {
  const config = JSON.parse(await Deno.readTextFile(kubeconfigPath));
  Object.assign(config.users[0].user, { as: "ops", "as-groups": ["one", "two"], "as-user-extra": { scope: ["x"] } });
  const { token } = config.users[0].user;
  const folder = await Deno.makeTempDir();
  const seen: unknown[] = [];
  for (const credentials of [{ token }, { token: undefined, tokenFile: "token" }]) {
    Object.assign(config.users[0].user, credentials);
    await Deno.writeTextFile(`${folder}/token`, token);
    await Deno.writeTextFile(`${folder}/config`, JSON.stringify(config));
    const kubernetes = await open(`${folder}/config`, systemClock());
    seen.push(await whoAmI(kubernetes), await whoAmI(kubernetes.forStack("s", { impersonate: "brokkr:generator:1" })));
    kubernetes.close();
  }

  const ops = { username: "ops", groups: ["one", "two", "system:authenticated"], extra: { scope: ["x"] } };
  const generator = { username: "brokkr:generator:1", groups: ["system:authenticated"], extra: undefined };
  assert.deepEqual(seen, [ops, generator, ops, generator]);
  await Deno.remove(folder, { recursive: true });
}

async function whoAmI(kubernetes: Kubernetes): Promise<unknown> {
  const apiVersion = "authentication.k8s.io/v1";
  const kind = "SelfSubjectReview";
  const resource = { apiVersion, kind, resource: "selfsubjectreviews", namespaced: false, verbs: [] };
  const review = await kubernetes.create(resource, { apiVersion, kind, metadata: {} });
  const { username, groups, extra } = (review.status as { userInfo: Record<string, unknown> }).userInfo;
  return { username, groups, extra };
}

async function trustsANewAuthority(control: ControlPlane): Promise<void> {
  const folder = await Deno.makeTempDir();
  const config = JSON.parse(await Deno.readTextFile(control.kubeconfigPath));
  config.clusters[0].cluster["certificate-authority"] = `${folder}/ca.crt`;
  await Deno.writeTextFile(`${folder}/config`, JSON.stringify(config));
  await Deno.copyFile(control.caPath, `${folder}/ca.crt`);
  const clock = new ManualClock();
  const kubernetes = await open(`${folder}/config`, clock);
  await kubernetes.version();

  await control.stopApiServer();
  await Deno.remove(control.caPath);
  await Deno.remove(control.caPath.replace(/crt$/, "key"));
  await control.startApiServer();
  await assert.rejects(kubernetes.version(), /the certificate of the API server .*: see .*certificate-authority "/);
  await Deno.copyFile(control.caPath, `${folder}/ca.crt`);
  await clock.advance(5_000);

  assert.match(await kubernetes.version(), /^v1\./);
  kubernetes.close();
  await Deno.remove(folder, { recursive: true });
}

function open(kubeconfigPath: string, clock: Clock): Promise<Kubernetes> {
  const { metrics } = countingMetrics();
  return openKubernetes({ kubeconfigPath, env: {}, metrics, clock, random, log: silentLog(), userAgent: "test/1" });
}

function placeOf(name: string) {
  return { resource: CONFIG_MAP, namespace: "default", name };
}

function configMap(name: string): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data: { value: "1" } };
}

/** An API server that answers every request with its body, and refuses to be expected anything of. */
async function serveTls() {
  const authority = await makeAuthority("one");
  const asked: boolean[] = [];
  const options = { ...await authority.issue(), hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    const isExpected = request.headers.get("expect") === "100-continue";
    asked.push(isExpected);
    return isExpected ? new Response(null, { status: 417 }) : new Response(await request.text());
  });
  const folder = await Deno.makeTempDir();
  const cluster = {
    server: `https://127.0.0.1:${server.addr.port}`,
    "certificate-authority-data": btoa(authority.cert),
  };
  const config = {
    clusters: [{ name: "c", cluster }],
    contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
    users: [{ name: "c", user: {} }],
    "current-context": "c",
  };
  await Deno.writeTextFile(`${folder}/config`, JSON.stringify(config));
  return {
    asked,
    kubeconfigPath: `${folder}/config`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
