import assert from "node:assert/strict";
import { type SimulatedCluster, startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, NAMESPACE, openWorld } from "./world.ts";

const SECRET = "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n";

/** A cluster whose agents may list where `rbac.clusterWide=false` lets them: only ConfigMaps beside their inventory. */
async function openCorner() {
  const cluster = await startSimulatedCluster();
  const world = await openWorld(cluster.kubeconfigPath);
  forbid(cluster, /^\/apis?\/(?!.*\/namespaces\/)/);
  forbid(cluster, new RegExp(`/namespaces/${world.inventory}/(?!configmaps)`));
  return {
    world,
    async [Symbol.asyncDispose]() {
      world[Symbol.dispose]();
      await cluster.stop();
    },
  };
}

function forbid(cluster: SimulatedCluster, path: RegExp): void {
  cluster.fault({ verb: "list", path, userAgent: /^brokkr-agent/ }, { status: 403, times: Infinity });
}

Deno.test("an agent kept to one namespace applies, prunes and removes there", async () => {
  await using corner = await openCorner();
  const { agent, newStack, hand, namespace } = corner.world;
  const [one, stack] = [await agent(), newStack()];
  await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), SECRET));

  const second = await one.reconcile(stack, bundleOf(configMapYaml("b", "1"), SECRET));
  const counted = one.objectsOf(stack);
  const removed = await one.remove(stack);

  assert.equal(second.result, "applied", second.message);
  assert.equal(await hand.get(CONFIG_MAP, "a", namespace), undefined);
  assert.equal(counted, 2);
  assert.equal(removed.result, "applied", removed.message);
  assert.equal(await hand.get(CONFIG_MAP, "b", namespace), undefined);
});

Deno.test("an agent kept to some namespaces prunes in each of them", async () => {
  await using corner = await openCorner();
  const { agent, newStack, hand, namespace } = corner.world;
  const more = Array.from({ length: 5 }, (_, at) => `${namespace}-${at}`);
  for (const name of more) await hand.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const [one, stack] = [await agent(), newStack()];
  const everywhere = more.map((namespace) => configMapYaml("a", "1", { namespace }));
  await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), ...everywhere));

  const outcome = await one.reconcile(stack, configMapYaml("a", "1"));

  assert.equal(outcome.result, "applied", outcome.message);
  for (const name of more) assert.equal(await hand.get(CONFIG_MAP, "a", name), undefined);
});

Deno.test("an agent kept to one namespace leaves another's objects alone, and names its own stack that has one", async () => {
  await using corner = await openCorner();
  const { agent, newStack } = corner.world;
  const [one, other, stack] = [await agent(), await agent(), newStack()];
  await one.reconcile(stack, configMapYaml("mine", "1"));
  await other.reconcile(newStack(), configMapYaml("theirs", "1"));

  const outcome = await one.reconcile(newStack(), bundleOf(configMapYaml("mine", "2"), configMapYaml("theirs", "2")));

  assert.equal(outcome.reason, "refused", outcome.message);
  assert.match(outcome.message, /"mine" in namespace ".*": stack "stack-.*" has it/);
  assert.match(outcome.message, new RegExp(`it belongs to the ApplySet ".*" of agent "${other.id}"`));
});
