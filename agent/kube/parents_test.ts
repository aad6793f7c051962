import assert from "node:assert/strict";
import { openWorld } from "../../tests/cases/reconcile/world.ts";
import { startSimulatedCluster } from "../../tests/fakes/cluster/mod.ts";
import { createParents } from "./parents.ts";

const RECORD = { stackName: "shop", deploymentObjectId: undefined, deploymentChecksum: undefined };
const CONFIG_MAP = { group: "", kind: "ConfigMap" };
const SECRET = { group: "", kind: "Secret" };

Deno.test("write() brings a parent that is there already to what it is to say", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const { id: agentId, kubernetes } = await world.agent();
  const parents = createParents({ kubernetes, agentId, namespace: world.inventory });
  const [stack, before] = [world.newStack(), undefined];
  await parents.write(stack, { before, record: { ...RECORD, groupKinds: [CONFIG_MAP], namespaces: ["a"] } });

  const record = { ...RECORD, groupKinds: [CONFIG_MAP, SECRET], namespaces: ["a", "b"] };
  const written = await parents.write(stack, { before, record });

  assert.deepEqual(written.record, record);
  assert.deepEqual((await parents.find(stack))?.record, record);
});

Deno.test("a parent that names no namespaces of ours is one of the convention alone: its own is one of them", async () => {
  await using cluster = await startSimulatedCluster();
  using world = await openWorld(cluster.kubeconfigPath);
  const { id: agentId, kubernetes } = await world.agent();
  const parents = createParents({ kubernetes, agentId, namespace: world.inventory });
  const stack = world.newStack();
  await parents.write(stack, { before: undefined, record: { ...RECORD, groupKinds: [], namespaces: ["a"] } });
  const resource = { apiVersion: "v1", kind: "ConfigMap", resource: "configmaps", namespaced: true, verbs: [] };
  const place = { name: `brokkr-stack-${stack}-${agentId.slice(0, 8)}`, namespace: world.inventory };
  await world.hand.patch(resource, place, { metadata: { annotations: { "brokkr.io/namespaces": null } } });

  assert.deepEqual((await parents.find(stack))?.record.namespaces, [world.inventory, "a"]);
});
