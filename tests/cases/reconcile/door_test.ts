import assert from "node:assert/strict";
import { openKubernetes } from "$lib/kubernetes.ts";
import { random } from "$lib/ids.ts";
import { type AuditRecord, startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { kubernetesResult } from "../../fakes/kubernetes_result.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, openWorld } from "./world.ts";

/** What the API server saw of an agent, told apart as the door does: by verb, query and code. */
function countsOf(requests: readonly AuditRecord[], userAgent: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const request of requests.filter((one) => one.userAgent === userAgent)) {
    const operation = operationOf(request);
    const name = `${operation} ${kubernetesResult(operation, request.status)}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function operationOf({ verb, query }: AuditRecord): string {
  if (verb !== "patch") return verb;
  if (query.includes("dryRun=All")) return "dry_run";
  return query.includes("force=true") ? "apply" : "patch";
}

Deno.test("the door counts every request exactly as the API server sees it", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const agent = await world.agent();
  const stack = world.newStack();
  cluster.fault({ query: "dryRun=All" }, { status: 503, times: 2 });

  await agent.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
  await agent.reconcile(stack, configMapYaml("a", "2"));
  await agent.remove(stack);
  await agent.kubernetes.version();

  assert.deepEqual(agent.counts(), countsOf(cluster.requests, `brokkr-agent/${agent.id.slice(0, 8)}`));
});

Deno.test("a list that fails makes the stack failed, and nothing is pruned", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const agent = await world.agent();
  const stack = world.newStack();
  await agent.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
  const heal = cluster.fault({ verb: "list", path: /configmaps/ }, {
    status: 403,
    reason: "Forbidden",
    times: Infinity,
  });

  const outcome = await agent.reconcile(stack, configMapYaml("a", "2"), { isPlanned: false });
  const removal = await agent.remove(stack);
  heal();

  assert.deepEqual([outcome.result, outcome.reason], ["failed", "list_failed"]);
  assert.deepEqual([removal.result, removal.reason], ["failed", "list_failed"]);
  assert.deepEqual((await world.hand.get(CONFIG_MAP, "a", world.namespace))?.data, { value: "2" });
  assert.notEqual(await world.hand.get(CONFIG_MAP, "b", world.namespace), undefined);
});

Deno.test("an API server that goes away in the middle is named once, and no more objects are tried", async () => {
  const cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const agent = await world.agent();
  await cluster.stop();

  const outcome = await agent.reconcile(world.newStack(), configMapYaml("a", "1"), { isPlanned: false });

  assert.deepEqual([outcome.result, outcome.reason], ["failed", "unavailable"]);
  assert.match(outcome.message, /the API server does not answer/);
});

Deno.test("a parent that may not be read is a refusal, and an API server that cannot answer is away", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const agent = await world.agent();

  const reasons: (string | undefined)[] = [];
  for (const status of [403, 503]) {
    const heal = cluster.fault({ verb: "get", path: /brokkr-stack/ }, { status, times: Infinity });
    reasons.push((await agent.reconcile(world.newStack(), configMapYaml("a", "1"))).reason);
    heal();
  }

  assert.deepEqual(reasons, ["kubernetes_rejected", "unavailable"]);
});

Deno.test("an object whose deletion fails stays in the record", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const [agent, stack] = [await world.agent(), world.newStack()];
  await agent.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
  cluster.fault({ verb: "delete" }, { status: 403 });

  const { reason } = await agent.reconcile(stack, configMapYaml("a", "1"));

  assert.deepEqual([reason, agent.objectsOf(stack)], ["prune_failed", 2]);
});

Deno.test("a token is read again from its file when the API server does not know it", async () => {
  await using cluster = await startSimulatedCluster({ token: "first" });
  const folder = await Deno.makeTempDir();
  const config = JSON.parse(await Deno.readTextFile(cluster.kubeconfigPath));
  config.users[0].user = { tokenFile: "token" };
  await Deno.writeTextFile(`${folder}/token`, "stale\n");
  await Deno.writeTextFile(`${folder}/config`, JSON.stringify(config));
  const clock = new ManualClock();
  const kubernetes = await openKubernetes({
    kubeconfigPath: `${folder}/config`,
    env: {},
    metrics: countingMetrics().metrics,
    clock,
    random,
    log: silentLog(),
    userAgent: "test/1",
  });

  await assert.rejects(kubernetes.version(), { code: "kubernetes_unavailable" });
  await Deno.writeTextFile(`${folder}/token`, "first\n");
  assert.match(await kubernetes.version(), /^v1\./);

  kubernetes.close();
  await Deno.remove(folder, { recursive: true });
});
