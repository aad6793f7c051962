import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, NAMESPACE } from "./world.ts";

/** What a bundle brings for itself, and what waits alone. */
export const stageCases: readonly ReconcileCase[] = [
  {
    name: "a bundle that raises a quota and needs it is applied in one turn",
    async run({ agent, newStack }) {
      const [one, stack] = [await agent(), newStack()];
      const secret = (name: string) => yamlOf({ apiVersion: "v1", kind: "Secret", metadata: { name } });
      await one.reconcile(stack, bundleOf(yamlOf(quota("1")), secret("a")));

      const outcome = await one.reconcile(stack, bundleOf(secret("a"), secret("b"), secret("c"), yamlOf(quota("3"))));

      assert.equal(outcome.result, "applied", outcome.message);
      assert.equal(outcome.results.filter(({ action }) => action === "created").length, 2);
    },
  },
  {
    name: "an object that is being deleted is waited for alone: the rest goes on, and it comes when it is gone",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
      const finalizers = ["example.com/held"];
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { metadata: { finalizers } });
      await hand.remove(CONFIG_MAP, { name: "a", namespace });
      const bundle = bundleOf(configMapYaml("a", "2"), configMapYaml("b", "2"), configMapYaml("c", "2"));

      const waiting = await one.reconcile(stack, bundle);
      const rest = await Promise.all(["b", "c"].map((name) => hand.get(CONFIG_MAP, name, namespace)));
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { metadata: { finalizers: null } });
      const later = await one.reconcile(stack, bundle);

      assert.deepEqual([waiting.result, waiting.reason], ["blocked", "waiting"], waiting.message);
      assert.match(waiting.message, /ConfigMap "a" .*is being deleted; it is applied anew when it is gone/);
      assert.deepEqual(rest.map((object) => object?.data), [{ value: "2" }, { value: "2" }]);
      assert.equal(later.result, "applied", later.message);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "2" });
    },
  },
  {
    name: "what others put into every namespace keeps none from being deleted, once its name is known",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `${namespace}-mesh`];
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      const metadata = { name: "istio-ca-root-cert", namespace: name };
      await hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata });

      const blocked = await one.remove(stack);
      using knowing = await one.restarted({ ignoreInNamespaces: ["istio-ca-root-cert"] });
      const removed = await knowing.remove(stack);

      assert.deepEqual([blocked.result, blocked.reason], ["blocked", "namespace_not_empty"], blocked.message);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, name), undefined);
    },
  },
  {
    name: "a namespace goes with what a person saw in it and approved, and with nothing that came later",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `${namespace}-full`];
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      const put = (object: string) =>
        hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: object, namespace: name } });
      await put("seen");

      const blocked = await one.remove(stack, { approval: { revision: 7 } });
      await put("later");
      const held = await one.remove(stack, { approval: { revision: 8, approved: 7 } });
      const removed = await one.remove(stack, { approval: { revision: 9, approved: 8 } });

      assert.deepEqual([blocked.reason, blocked.heldRevision], ["namespace_not_empty", 7], blocked.message);
      assert.deepEqual([held.reason, held.heldRevision], ["namespace_not_empty", 8], held.message);
      assert.match(held.message, /holds ConfigMap "later"$/m);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, name), undefined);
    },
  },
];

function quota(secrets: string): KubernetesObject {
  const spec = { hard: { "count/secrets": secrets } };
  return { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "limits" }, spec };
}
