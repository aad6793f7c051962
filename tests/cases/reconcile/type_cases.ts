import assert from "node:assert/strict";
import type { ApiResource } from "$lib/kubernetes.ts";
import { pause, waitFor } from "../../run/wait.ts";
import { PART_OF } from "../../../agent/kube/names.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { settled, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, type Hand } from "./world.ts";

/** What custom types can do to an agent. */
export const typeCases: readonly ReconcileCase[] = [
  {
    name: "a type that was made anew with another scope is found by the next turns",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const type = widgetType(namespace);
      await hand.create(DEFINITION, definitionOf(type, { scope: "Cluster" }));
      const first = await settled(() => one.reconcile(stack, JSON.stringify(widgetOf(type))));
      await hand.remove(DEFINITION, { name: nameOf(type) });
      await waitFor(async () => await hand.get(DEFINITION, nameOf(type)) === undefined ? true : undefined, GONE);

      await hand.create(DEFINITION, definitionOf(type, { scope: "Namespaced" }));
      const theirs = { ...widgetOf(type), metadata: { name: "theirs", namespace } };
      await waitFor(() => hand.create({ ...type, namespaced: true }, theirs), { what: "make a widget" });
      const second = await settled(() => one.reconcile(stack, JSON.stringify(widgetOf(type))));

      for (const { result, message } of [first, second]) assert.equal(result, "applied", message);
      assert.notEqual(await hand.get({ ...type, namespaced: true }, "one", namespace), undefined);
    },
  },
  {
    name: "what can't be kept, or not be changed, is refused by its kind, and nothing of its stage is written",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const named = (apiVersion: string, kind: string) => yamlOf({ apiVersion, kind, metadata: { name: "one" } });
      const others = [
        named("v1", "Binding"),
        named("v1", "ComponentStatus"),
        named("authentication.k8s.io/v1", "TokenReview"),
      ];

      const outcome = await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), ...others));

      const errors = outcome.results.map(({ kind, error }) => [kind, error?.replace(/^document \d+, line \d+: /, "")]);
      assert.deepEqual([outcome.result, outcome.reason], ["failed", "refused"], outcome.message);
      assert.deepEqual(errors, [
        ["Binding", refusalOf("v1", "Binding", "get, patch, delete")],
        ["ComponentStatus", refusalOf("v1", "ComponentStatus", "patch, delete")],
        ["TokenReview", refusalOf("authentication.k8s.io/v1", "TokenReview", "get, patch, delete")],
      ]);
      assert.equal(await hand.get(CONFIG_MAP, "a", namespace), undefined);
    },
  },
  {
    name: "a definition that serves no version is not deleted: nobody can see what it holds",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const type = widgetType(namespace);
      await one.reconcile(stack, JSON.stringify(definitionOf(type, { scope: "Cluster" })));
      await waitFor(() => hand.create(type, widgetOf(type)), { what: "make a widget" });
      await one.reconcile(stack, JSON.stringify(definitionOf(type, { scope: "Cluster", served: false })));
      await waitFor(async () => await hand.get(type, "one") === undefined ? true : undefined, GONE);

      using fresh = await one.restarted();
      const removed = await fresh.remove(stack);

      assert.deepEqual([removed.result, removed.reason], ["blocked", "namespace_not_empty"], removed.message);
      assert.match(removed.message, /serves no version/);
      assert.equal((await hand.get(DEFINITION, nameOf(type)))?.metadata.deletionTimestamp, undefined);
    },
  },
  {
    name: "what a finalizer's controller needs stays until the finalizer is done with",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const { type, bundle } = await heldBundle(hand, namespace);
      await settled(() => one.reconcile(stack, bundle));

      const removing = one.remove(stack);
      await waitFor(() => deletionOf(hand, type), { what: "see the widget being deleted" });
      await pause(300);
      const needed = await hand.get(CONFIG_MAP, "needed", namespace);
      await hand.patch(type, { name: "one" }, { metadata: { finalizers: null } });
      const removed = await removing;

      assert.notEqual(needed, undefined);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(CONFIG_MAP, "needed", namespace), undefined);
    },
  },
  {
    name: "what is being deleted is not gone while a finalizer holds it, whoever takes our label away",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent({ clock: new ManualClock({ skipsSleeps: true }) }), newStack()];
      await one.reconcile(stack, configMapYaml("a", "1"));
      const [place, finalizers] = [{ name: "a", namespace }, ["example.com/held"]];
      await hand.patch(CONFIG_MAP, place, { metadata: { finalizers } });
      await hand.remove(CONFIG_MAP, place);
      await hand.patch(CONFIG_MAP, place, { metadata: { labels: { [PART_OF]: null } } });

      const going = await one.remove(stack);
      const known = one.objectsOf(stack);
      await hand.patch(CONFIG_MAP, place, { metadata: { finalizers: null } });
      const removed = await one.remove(stack);

      assert.deepEqual([going.result, going.reason, known], ["blocked", "going", 1], going.message);
      assert.match(going.message, /ConfigMap "a" .*is still being deleted/);
      assert.deepEqual([removed.result, one.objectsOf(stack)], ["applied", undefined], removed.message);
    },
  },
  {
    name: "a finalizer that is not done with in time blocks the rest, which goes later",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent({ clock: new ManualClock({ skipsSleeps: true }) }), newStack()];
      const { type, bundle } = await heldBundle(hand, namespace);
      await settled(() => one.reconcile(stack, bundle));
      const rest = configMapYaml("rest", "1");

      const dropped = await one.reconcile(stack, rest);
      const removed = await one.remove(stack);
      const needed = await hand.get(CONFIG_MAP, "needed", namespace);
      await hand.patch(type, { name: "one" }, { metadata: { finalizers: null } });
      const later = await one.reconcile(stack, rest);

      for (const { result, reason, message } of [dropped, removed]) {
        assert.deepEqual([result, reason], ["blocked", "going"], message);
        assert.match(message, /Widget "one" is still being deleted/);
      }
      assert.notEqual(needed, undefined);
      assert.equal(later.result, "applied", later.message);
      assert.equal(await hand.get(CONFIG_MAP, "needed", namespace), undefined);
    },
  },
];

/** A widget that a finalizer holds, and what whoever looks after it needs; its type is made by hand. */
async function heldBundle(hand: Hand, namespace: string) {
  const type = widgetType(namespace);
  await hand.create(DEFINITION, definitionOf(type, { scope: "Cluster" }));
  const metadata = { name: "one", finalizers: ["example.com/held"] };
  return {
    type,
    bundle: bundleOf(configMapYaml("needed", "1"), `${JSON.stringify({ ...widgetOf(type), metadata })}\n`),
  };
}

async function deletionOf(hand: Hand, type: ApiResource): Promise<string | undefined> {
  return (await hand.get(type, "one"))?.metadata.deletionTimestamp;
}

const GONE = { what: "see it gone" };
const DEFINITION: ApiResource = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  resource: "customresourcedefinitions",
  namespaced: false,
  verbs: [],
};

/** A type of this case alone. */
function widgetType(namespace: string): ApiResource {
  const group = `${namespace.replace("case-", "t")}.example.com`;
  return { apiVersion: `${group}/v1`, kind: "Widget", resource: "widgets", namespaced: false, verbs: [] };
}

function nameOf({ apiVersion, resource }: ApiResource): string {
  return `${resource}.${apiVersion.split("/")[0]}`;
}

function widgetOf({ apiVersion, kind }: ApiResource) {
  return { apiVersion, kind, metadata: { name: "one" } };
}

function definitionOf(
  type: ApiResource,
  { scope, served = true }: { readonly scope: string; readonly served?: boolean },
) {
  const schema = { openAPIV3Schema: { type: "object" } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: nameOf(type) },
    spec: {
      group: type.apiVersion.split("/")[0],
      scope,
      names: { kind: type.kind, plural: type.resource, singular: "widget" },
      versions: [{ name: "v1", served, storage: true, schema }],
    },
  };
}

function refusalOf(apiVersion: string, kind: string, verbs: string): string {
  return `kind "${kind}" in "${apiVersion}" is none that can be delivered: the API server has no ${verbs} for it`;
}
