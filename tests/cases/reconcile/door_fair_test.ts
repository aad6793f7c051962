import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { openKubernetes } from "$lib/kubernetes.ts";
import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { CONFIG_MAP } from "./world.ts";

Deno.test("a stack whose webhook never answers keeps half of the slots, and holds no other's write up", async () => {
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

  const stuck = Promise.allSettled(Array.from({ length: 32 }, (_, at) => apply("stuck", `stuck-${at}`)));
  const { isCreated } = await apply("other", "quick");
  await kubernetes.version();
  const answered = cluster.requests.map(({ path }) => path);
  stopping.abort();
  await cluster.stop();
  await stuck;
  kubernetes.close();

  assert.equal(isCreated, true);
  assert.deepEqual(answered, ["/api/v1/namespaces/default/configmaps/quick", "/version"]);
});
