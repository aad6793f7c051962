import assert from "node:assert/strict";
import { type ReconcileCase, reconcileCases } from "../cases/reconcile/mod.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, openWorld } from "../cases/reconcile/world.ts";
import { testWith } from "../run/parts.ts";
import { kubeconfigOf, NAMESPACE, openPlace } from "./cluster.ts";
import { ACCOUNT, installAgent, WRITES } from "./rights.ts";

/** What cases bring that bundles may not hold as shipped. */
const ADDED = [{
  apiGroups: ["*"],
  resources: [
    "widgets",
    "numbers",
    "downs",
    "ups",
    "things",
    "events",
    "leases",
    "validatingwebhookconfigurations",
    "apiservices",
  ],
  verbs: ["get", "list", ...WRITES],
}];

/** Cases wait more than they compute: each part has a cluster of its own, so that all of them take the time of one. */
const PARTS = 2;
const TOGETHER = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

testWith(["nodes", "helm"], "chart brokkr-agent: its ServiceAccount may do all of an agent's work", async (test) => {
  await Promise.all(Array.from({ length: PARTS }, (_, part) =>
    test.step({
      ...TOGETHER,
      name: `part ${part + 1} of ${PARTS}`,
      fn: (step) => allowsAll(step, reconcileCases.filter((_, at) => at % PARTS === part)),
    })));
});

async function allowsAll(test: Deno.TestContext, cases: readonly ReconcileCase[]): Promise<void> {
  await using place = await openPlace();
  await installAgent(place, { rbac: { manageRoles: true, additionalRules: ADDED } });
  const kubeconfigPath = await kubeconfigOf(place, ACCOUNT);
  for (const { name, skipOn, run } of cases) {
    await test.step({
      ...TOGETHER,
      name,
      ignore: skipOn?.real !== undefined,
      fn: async () => {
        using world = await openWorld(place.control.kubeconfigPath, kubeconfigPath);
        await run(world);
      },
    });
  }
}

testWith(
  ["nodes", "helm"],
  "chart brokkr-agent: without clusterWide an agent applies, prunes and removes in its namespaces",
  async () => {
    await using place = await openPlace();
    const { control, admin } = place;
    const namespaces = ["shop", "shop-test"];
    for (const name of namespaces) await admin.request("POST", "/api/v1/namespaces", { metadata: { name } });
    await installAgent(place, { rbac: { clusterWide: false, namespaces } });
    using world = await openWorld(control.kubeconfigPath, await kubeconfigOf(place, ACCOUNT));
    const [agent, stack] = [await world.agent({ inventory: NAMESPACE }), world.newStack()];
    const secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: shop }\n";
    const both = namespaces.map((namespace) => configMapYaml("a", "1", { namespace }));

    const first = await agent.reconcile(stack, bundleOf(secret, ...both));
    const second = await agent.reconcile(stack, bundleOf(secret, configMapYaml("b", "1", { namespace: "shop" })));
    const removed = await agent.remove(stack);

    for (const { result, message } of [first, second, removed]) assert.equal(result, "applied", message);
    for (const namespace of namespaces) assert.equal(await world.hand.get(CONFIG_MAP, "a", namespace), undefined);
    assert.equal(await world.hand.get(CONFIG_MAP, "b", "shop"), undefined);
  },
);
