import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { openKubernetes } from "$lib/kubernetes.ts";
import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { LEASES } from "../../../agent/kube/resources.ts";
import { CONFIG_MAP, configMapYaml, openWorld } from "./world.ts";

Deno.test("stacks whose webhooks never answer hold up no other's write, no probe and no Lease", async () => {
  const cluster = await startSimulatedCluster();
  const kubernetes = await openKubernetes({
    kubeconfigPath: cluster.kubeconfigPath,
    env: {},
    metrics: countingMetrics().metrics,
    clock: systemClock(),
    random,
    log: silentLog(),
    userAgent: "test/1",
    maxInFlight: 8,
  });
  cluster.fault({ method: "PATCH", path: /\/stuck-/ }, { connection: "hang", times: Infinity });
  const stopping = new AbortController();
  const { signal } = stopping;
  const apply = (stackId: string, name: string) => {
    const metadata = { name, namespace: "default" };
    const place = { resource: CONFIG_MAP, ...metadata };
    return kubernetes.forStack(stackId).apply(place, { apiVersion: "v1", kind: "ConfigMap", metadata }, { signal });
  };

  const stuck = Promise.allSettled(
    ["a", "b", "c"].flatMap((stack) => Array.from({ length: 32 }, (_, at) => apply(stack, `stuck-${stack}-${at}`))),
  );
  const { isCreated } = await apply("other", "quick");
  const full = Promise.allSettled(["d", "e", "f", "g", "h", "i"].map((stack) => apply(stack, `stuck-${stack}`)));
  await kubernetes.version();
  await kubernetes.unqueued().get({ resource: LEASES, name: "agent", namespace: "default" });
  const answered = cluster.requests.map(({ path }) => path);
  stopping.abort();
  await cluster.stop();
  await Promise.all([stuck, full]);
  kubernetes.close();

  assert.equal(isCreated, true);
  assert.deepEqual(answered, [
    "/api/v1/namespaces/default/configmaps/quick",
    "/version",
    "/apis/coordination.k8s.io/v1/namespaces/default/leases/agent",
  ]);
});

Deno.test("a turn that was told to wait says for how long, and the next one that went well does not", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const [one, stack] = [await world.agent(), world.newStack()];
  cluster.fault({ method: "PATCH", name: "a" }, { status: 429, retryAfterSeconds: 300, message: "not ready" });

  const paused = await one.reconcile(stack, configMapYaml("a", "1"));
  const other = await one.reconcile(world.newStack(), configMapYaml("b", "1"));

  assert.deepEqual([paused.result, paused.reason, other.result], ["failed", "unavailable", "applied"], paused.message);
  const pauseMs = paused.pauseMs ?? 0;
  assert.ok(pauseMs > 60_000 && pauseMs <= 300_000, String(paused.pauseMs));
  assert.equal(other.pauseMs, undefined);
});

Deno.test("a removal that was told to wait says for how long, too", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const [one, stack] = [await world.agent(), world.newStack()];
  await one.reconcile(stack, configMapYaml("a", "1"));
  cluster.fault({ method: "DELETE", name: "a" }, { status: 429, retryAfterSeconds: 300, message: "not ready" });

  const paused = await one.remove(stack);

  const pauseMs = paused.pauseMs ?? 0;
  assert.ok(pauseMs > 60_000 && pauseMs <= 300_000, `${paused.message}: ${paused.pauseMs}`);
});
