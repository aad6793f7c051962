import assert from "node:assert/strict";
import { newId } from "$lib/ids.ts";
import { startSilentWebhook } from "../../fakes/silent_webhook.ts";
import { waitFor } from "../../run/wait.ts";
import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { configMap, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, type ReconcileWorld } from "./world.ts";

/** A bundle's own webhook that refuses what the bundle brings. */
export const gateCases: readonly ReconcileCase[] = [
  {
    name:
      "a webhook that does not answer is mended by the version of its own bundle that mends it, and changes what it refused",
    async run(world) {
      const { hand, namespace } = world;
      const { one, stack } = await brokenGate(world);
      const mended = bundleOf(configMapYaml("a", "2"), configMapYaml("b", "1"), yamlOf(gate(namespace, "Ignore")));

      const outcome = await one.reconcile(stack, mended);
      const again = await one.reconcile(stack, mended);

      assert.equal(outcome.result, "applied", outcome.message);
      const results = outcome.results.map(({ kind, name, action }) => [kind, name, action]);
      assert.deepEqual(results.toSorted(), [
        ["ConfigMap", "a", "configured"],
        ["ConfigMap", "b", "created"],
        [KIND, `gate-${namespace}`, "configured"],
      ]);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "2" });
      assert.equal(again.result, "unchanged", again.message);
      await one.remove(stack);
    },
  },
  {
    name: "a webhook that does not answer and that its bundle has no more goes before what it refuses",
    async run(world) {
      const { hand, namespace } = world;
      const { one, stack } = await brokenGate(world);

      const outcome = await one.reconcile(stack, configMapYaml("a", "2"));

      assert.equal(outcome.result, "applied", outcome.message);
      assert.equal(await hand.get(GATES, `gate-${namespace}`), undefined);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "2" });
      await one.remove(stack);
    },
  },
  {
    name: "a webhook that does not answer stays where its bundle may not prune, and one of others stays whatever comes",
    async run(world) {
      const { agent, newStack, hand, namespace } = world;
      const { one, stack } = await brokenGate(world);
      const [another, other] = [await agent(), newStack()];

      const held = await one.reconcile(stack, configMapYaml("a", "2"), { mayPrune: false });
      const theirs = await another.reconcile(other, configMapYaml("c", "1"));
      const there = await hand.get(GATES, `gate-${namespace}`);
      await one.remove(stack);

      for (const { result, reason, message } of [held, theirs]) {
        assert.deepEqual([result, reason], ["failed", "refused"], message);
        assert.match(message, /failed calling webhook/);
      }
      assert.notEqual(there, undefined);
    },
  },
  {
    name:
      "a webhook that is waited for in vain is asked once about each object in a turn, and is what the refusal names",
    async run(world) {
      const { agent, hand, namespace, newStack } = world;
      await using webhook = await startSilentWebhook();
      const [one, stack, fresh] = [await agent(), newStack(), `${namespace}-fresh`];
      const silent = webhook.configuration([namespace, fresh], 1) as KubernetesObject;
      await hand.create(GATES, { ...silent, metadata: { name: `silent-${namespace}` } });
      await waitFor(async () => {
        const created = hand.create(CONFIG_MAP, { ...configMap(newId(), {}), metadata: { name: newId(), namespace } });
        return await created.then(() => undefined, () => true);
      }, { what: "be refused by the webhook" });
      one.counts();

      const outcome = await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
      const counts = one.counts();
      const inFresh = await one.reconcile(
        stack,
        bundleOf(
          yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name: fresh } }),
          configMapYaml("a", "1", { namespace: fresh }),
        ),
      );

      assert.deepEqual([outcome.result, outcome.results.length], ["failed", 2], outcome.message);
      for (const { error } of outcome.results) assert.match(error ?? "", /failed calling webhook "silent.example.com"/);
      assert.equal(counts["dry_run error"], 2);
      assert.deepEqual([inFresh.result, one.counts()["dry_run error"]], ["failed", 1], inFresh.message);
      await hand.remove(GATES, { name: `silent-${namespace}` });
      await one.remove(stack);
    },
  },
];

const KIND = "ValidatingWebhookConfiguration";
const GATES: ApiResource = {
  ...{ apiVersion: "admissionregistration.k8s.io/v1", kind: KIND, resource: "validatingwebhookconfigurations" },
  ...{ namespaced: false, verbs: [] },
};

/** A stack whose webhook refuses every change of its own ConfigMaps, as the API server does by now. */
async function brokenGate({ agent, newStack, hand, namespace }: ReconcileWorld) {
  const [one, stack] = [await agent(), newStack()];
  const first = await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), yamlOf(gate(namespace, "Fail"))));
  assert.equal(first.result, "applied", first.message);
  await waitFor(async () => {
    const annotations = { tried: crypto.randomUUID() };
    const changed = hand.patch(CONFIG_MAP, { name: "a", namespace }, { metadata: { annotations } });
    return await changed.then(() => undefined, () => true);
  }, { what: "be refused by the webhook" });
  return { one, stack };
}

/** Asks where nothing listens about the ConfigMaps of a namespace. */
function gate(namespace: string, failurePolicy: "Fail" | "Ignore"): KubernetesObject {
  const webhooks = [{
    name: `gate.${namespace}.example.com`,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    timeoutSeconds: 1,
    failurePolicy,
    clientConfig: { url: "https://127.0.0.1:9/" },
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] }],
  }];
  const metadata = { name: `gate-${namespace}` };
  return { apiVersion: "admissionregistration.k8s.io/v1", kind: KIND, metadata, webhooks };
}
