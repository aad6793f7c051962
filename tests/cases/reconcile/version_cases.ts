import assert from "node:assert/strict";
import { waitFor } from "../../run/wait.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { definition, down, downs, settled, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml } from "./world.ts";

/** Types whose versions come and go under their objects. */
export const versionCases: readonly ReconcileCase[] = [
  {
    name: "a version with a field that the former one lacks is brought, with an object that uses it",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, group] = [await agent(), newStack(), groupOf(namespace)];
      const old = { name: "v1alpha1", fields: ["a", "c"] };
      await one.reconcile(
        stack,
        bundleOf(yamlOf(definition(group, [old])), yamlOf(down(group, "v1alpha1", { a: "x" }))),
      );
      const next = bundleOf(
        yamlOf(definition(group, [old, { name: "v1", fields: ["a", "b"] }])),
        yamlOf(down(group, "v1", { a: "x", b: "why" })),
      );

      const outcome = await one.reconcile(stack, next);
      const again = await one.reconcile(stack, next);

      assert.deepEqual([outcome.result, again.result], ["applied", "unchanged"], outcome.message + again.message);
      assert.deepEqual((await hand.get(downs(group, "v1"), "d", namespace))?.spec, { a: "x", b: "why" });
      assert.deepEqual(outcome.results.find(({ name }) => name === "d")?.fields, ["spec.b"]);
    },
  },
  {
    name: "an object of a version that the same bundle takes away is brought by the other version",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, group] = [await agent(), newStack(), groupOf(namespace)];
      const both = definition(group, [{ name: "v1beta1" }, { name: "v1" }]);
      const first = await one.reconcile(stack, bundleOf(yamlOf(both), yamlOf(down(group, "v1beta1", { a: "x" }))));
      const uid = (await hand.get(downs(group, "v1"), "d", namespace))?.metadata.uid;
      const next = bundleOf(yamlOf(definition(group, [{ name: "v1" }])), yamlOf(down(group, "v1", { a: "y" })));

      const outcome = await one.reconcile(stack, next);
      const again = await one.reconcile(stack, next);

      assert.equal(first.result, "applied", first.message);
      assert.deepEqual([outcome.result, again.result], ["applied", "unchanged"], outcome.message + again.message);
      const live = await hand.get(downs(group, "v1"), "d", namespace);
      assert.deepEqual([live?.spec, live?.metadata.uid], [{ a: "y" }, uid]);
      assert.deepEqual(outcome.results.find(({ name }) => name === "d")?.fields, ["spec.a"]);
    },
  },
  {
    name: "an object that leaves the bundle together with its version is deleted by another one",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, group] = [await agent(), newStack(), groupOf(namespace)];
      const both = definition(group, [{ name: "v1" }, { name: "v2" }]);
      const first = await one.reconcile(stack, bundleOf(yamlOf(both), yamlOf(down(group, "v1", { a: "x" }))));
      const next = yamlOf(definition(group, [{ name: "v1", served: false }, { name: "v2" }]));

      const outcome = await one.reconcile(stack, next);
      const left = await hand.get(downs(group, "v2"), "d", namespace);
      const removed = await one.remove(stack);

      assert.equal(first.result, "applied", first.message);
      assert.deepEqual(outcome.results.map(({ action }) => action), ["configured", "deleted"], outcome.message);
      assert.equal(left, undefined);
      assert.equal(removed.result, "applied", removed.message);
    },
  },
  {
    name: "of a stack with an object of a type that is not served nothing is removed, and nothing is forgotten",
    async run({ agent, newStack, hand, namespace }) {
      const [one, owner, stack, group] = [await agent(), newStack(), newStack(), groupOf(namespace)];
      await one.reconcile(owner, yamlOf(definition(group, [{ name: "v1" }])));
      const bundle = bundleOf(configMapYaml("beside", "1"), yamlOf(down(group, "v1", { a: "x" })));
      const first = await one.reconcile(stack, bundle);
      await one.reconcile(owner, yamlOf(definition(group, [{ name: "v1", served: false }])));

      const removed = await one.remove(stack);
      using fresh = await one.restarted();
      const again = await fresh.remove(stack);
      const kept = await hand.get(CONFIG_MAP, "beside", namespace);
      await one.reconcile(owner, yamlOf(definition(group, [{ name: "v1" }])));
      const last = await one.remove(stack);

      assert.equal(first.result, "applied", first.message);
      for (const { result, reason, message, results } of [removed, again]) {
        assert.deepEqual([result, reason, results], ["failed", "list_failed", []], message);
        assert.match(message, new RegExp(`Down.${group.replaceAll(".", "\\.")}: its definition serves no version`));
      }
      assert.notEqual(kept, undefined);
      assert.deepEqual(last.results.map(({ action }) => action), ["deleted", "deleted"], last.message);
      assert.equal(await hand.get(downs(group, "v1"), "d", namespace), undefined);
    },
  },
  {
    name: "a stack whose types are gone with their definition has nothing left of them, and goes",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, group] = [await agent(), newStack(), groupOf(namespace)];
      await hand.create(TYPES.definitions, definition(group, [{ name: "v1" }]));
      const bundle = bundleOf(configMapYaml("beside", "1"), yamlOf(down(group, "v1", { a: "x" })));
      await waitFor(async () => {
        assert.equal((await one.reconcile(stack, bundle)).result, "applied");
        return true;
      }, { what: "apply an object of a new type" });
      await hand.remove(TYPES.definitions, { name: `downs.${group}` });
      const goneYet = async () => await hand.get(TYPES.definitions, `downs.${group}`) === undefined ? true : undefined;
      await waitFor(goneYet, { what: "see the definition gone" });

      const removed = await waitFor(async () => {
        const outcome = await one.remove(stack);
        assert.equal(outcome.result, "applied", outcome.message);
        return outcome;
      }, { what: "remove the rest" });

      assert.deepEqual(removed.results.map(({ name }) => name), ["beside"]);
    },
  },
  {
    name:
      "while a type's conversion webhook is away its unchanged objects fail no turn, and what else differs is put right",
    skipOn: { simulated: "it converts nothing by a webhook" },
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, group] = [await agent(), newStack(), groupOf(namespace)];
      const bundle = (a: string) => bundleOf(yamlOf(down(group, "v2", { a })), configMapYaml("a", "1"));
      await hand.create(TYPES.definitions, definition(group, [{ name: "v1" }]));
      const theirs = { ...down(group, "v1", { a: "x" }), metadata: { name: "theirs", namespace } };
      await waitFor(() => hand.create(downs(group, "v1"), theirs), { what: "make an object of the old version" });
      const both = definition(group, [{ name: "v1" }, { name: "v2" }]);
      await hand.patch(TYPES.definitions, both.metadata, { spec: both.spec });
      const first = await settled(() => one.reconcile(stack, bundle("x"), { objectId: OBJECT }));
      await hand.patch(TYPES.definitions, both.metadata, { spec: { conversion: AWAY } });
      const list = () => one.kubernetes.listMetadata(downs(group, "v2"), { namespace });
      await waitFor(() => list().then(() => undefined, () => true), { what: "see that the webhook is away" });
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: "2" } });

      const restarted = await one.restarted();
      const drifted = await restarted.reconcile(stack, bundle("x"), { objectId: OBJECT });
      const sweep = restarted.reconciler.observed.beginSweep(new AbortController().signal);
      const swept = await restarted.reconcile(stack, bundle("x"), { objectId: OBJECT, sweep, compareAll: true });
      const dropped = await restarted.reconcile(stack, configMapYaml("a", "1"));
      const mended = { spec: { conversion: { strategy: "None", webhook: null } } };
      await hand.patch(TYPES.definitions, both.metadata, mended); // else no namespace of the cluster can go any more

      assert.equal(first.result, "applied", first.message);
      assert.deepEqual([drifted.result, swept.result], ["applied", "unchanged"], drifted.message + swept.message);
      for (const { message } of [drifted, swept]) assert.match(message, /^Down\..*; .* is taken to be as it was$/m);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "1" });
      assert.deepEqual([dropped.result, dropped.reason], ["failed", "list_failed"], dropped.message);
    },
  },
];

function groupOf(namespace: string): string {
  return `${namespace.replace("case-", "v")}.example`;
}

const OBJECT = "11111111-1111-4111-8111-111111111111";

/** Nothing listens there. */
const AWAY = {
  strategy: "Webhook",
  webhook: { clientConfig: { url: "https://127.0.0.1:1/convert" }, conversionReviewVersions: ["v1"] },
};
