import assert from "node:assert/strict";
import { runOnReal } from "../cases/reconcile/real_parts.ts";
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

testWith(["nodes", "helm"], "chart brokkr-agent: its ServiceAccount may do all of an agent's work", (test) => {
  return runOnReal(test, async () => {
    const place = await openPlace();
    await installAgent(place, { rbac: { manageRoles: true, additionalRules: ADDED } });
    const kubeconfigPath = await kubeconfigOf(place, ACCOUNT);
    return {
      openWorld: () => openWorld(place.control.kubeconfigPath, kubeconfigPath),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  });
});

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
