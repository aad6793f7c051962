import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { definition, down, downs, settled, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, type Hand } from "./world.ts";

/** What objects of one bundle need of each other, beyond the order of their kinds. */
export const inTurnCases: readonly ReconcileCase[] = [
  {
    name: "a port of the nodes goes from Service to Service in one turn, whatever their order, and twice in a row",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const [first = 0, second = 0, third = 0, free = 0] = await freePorts(hand, namespace, ["x", "y", "z", "free"]);
      const bundle = (x: number, y: number, z: number) =>
        bundleOf(...[["x", x], ["y", y], ["z", z]].map(([name, port]) => yamlOf(service(String(name), Number(port)))));
      await one.reconcile(stack, bundle(first, second, third));

      const moved = await one.reconcile(stack, bundle(second, third, free));
      const again = await one.reconcile(stack, bundle(second, third, free), { compareAll: true });
      const swapped = await one.reconcile(stack, bundle(third, second, free));

      assert.deepEqual([moved.result, again.result], ["applied", "unchanged"], moved.message);
      assert.deepEqual(moved.results.map(({ action }) => action), ["configured", "configured", "configured"]);
      const live = ["x", "y", "z"].map((name) => portOf(hand.get(TYPES.services, name, namespace)));
      assert.deepEqual(await Promise.all(live), [second, third, free]);
      assert.deepEqual([swapped.result, swapped.reason], ["failed", "refused"], swapped.message);
      assert.match(swapped.message, /provided port is already allocated/);
    },
  },
  {
    name: "a port that none of the bundle's Services gives up keeps all of them as they were",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const [first = 0, second = 0, taken = 0] = await freePorts(hand, namespace, ["x", "y", "z"]);
      const others = { ...service("others", taken), metadata: { name: "others", namespace } };
      await hand.create(TYPES.services, others);
      await one.reconcile(stack, bundleOf(yamlOf(service("x", first))));

      const refused = await one.reconcile(stack, bundleOf(yamlOf(service("x", second)), yamlOf(service("y", taken))));

      assert.deepEqual([refused.result, refused.reason], ["failed", "refused"], refused.message);
      assert.deepEqual(refused.results.map(({ name, action }) => [name, action]), [["y", "failed"]]);
      assert.equal(await portOf(hand.get(TYPES.services, "x", namespace)), first);
    },
  },
  {
    name: "what a controller defines by an object of the bundle keeps nothing else waiting, and comes when it is there",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, group] = [await agent(), newStack(), `${namespace}.example`];
      const [template, made] = [definition(`t.${group}`, [{ name: "v1" }]), definition(group, [{ name: "v1" }])];
      const gate = yamlOf(webhooks(namespace));
      const bundle = bundleOf(yamlOf(down(group, "v1", { a: "1" })), yamlOf(template), gate, templateOf(group, "1"));

      const first = await one.reconcile(stack, bundle);
      await hand.create(TYPES.definitions, made);
      const second = await settled(() => one.reconcile(stack, bundle));
      const removed = await one.remove(stack);

      assert.deepEqual([first.result, first.reason], ["failed", "refused"], first.message);
      assert.deepEqual(first.results.map(({ kind, action }) => [kind, action]), [
        ["CustomResourceDefinition", "created"],
        ["Down", "created"],
        ["ValidatingWebhookConfiguration", "created"],
        ["Down", "failed"],
      ]);
      assert.match(first.message, new RegExp(`there is no kind "Down" in "${group.replaceAll(".", "\\.")}/v1"`));
      assert.equal(second.result, "applied", second.message);
      assert.equal(removed.result, "applied", removed.message);
    },
  },
  {
    name: "what a definition belongs to is changed before an object that needs that, though the two are of one stage",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent({ clock: new ManualClock({ skipsSleeps: true }) }), newStack()];
      const group = `${namespace}.example`;
      const template = yamlOf(definition(`t.${group}`, [{ name: "v1" }]));
      const bundle = (value: string, spec: Readonly<Record<string, string>>) =>
        bundleOf(template, yamlOf(down(group, "v1", spec)), templateOf(group, value));
      await settled(() => one.reconcile(stack, bundleOf(template, templateOf(group, "1"))));
      const owner = await hand.get(downs(`t.${group}`, "v1"), "d", namespace);
      const made = definition(group, [{ name: "v1" }]);
      const { apiVersion, kind, metadata: { uid = "" } } = owner as KubernetesObject;
      const ownerReferences = [{ apiVersion, kind, name: "d", uid, controller: true }];
      await hand.create(TYPES.definitions, { ...made, metadata: { ...made.metadata, ownerReferences } });
      await settled(() => one.reconcile(stack, bundle("1", { a: "1" })));

      const first = await one.reconcile(stack, bundle("2", { a: "1", b: "2" }));
      await hand.patch(TYPES.definitions, made.metadata, definition(group, [{ name: "v1", fields: ["a", "b"] }]));
      const second = await settled(() => one.reconcile(stack, bundle("2", { a: "1", b: "2" })));

      assert.deepEqual([first.result, first.reason], ["failed", "refused"], first.message);
      assert.deepEqual(first.results.map(({ action }) => action).sort(), ["configured", "failed", "unchanged"]);
      assert.equal(second.result, "applied", second.message);
      const live = await hand.get(downs(group, "v1"), "d", namespace);
      assert.deepEqual(live?.spec, { a: "1", b: "2" });
    },
  },
];

function service(name: string, nodePort?: number): KubernetesObject {
  const ports = [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }) }];
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { type: "NodePort", ports } };
}

/** As many as there are names, which nobody has: they were those of Services that are no more. */
async function freePorts(hand: Hand, namespace: string, names: readonly string[]): Promise<readonly number[]> {
  const ports: number[] = [];
  for (const name of names) {
    ports.push(await portOf(hand.create(TYPES.services, { ...service(name), metadata: { name, namespace } })));
  }
  for (const name of names) await hand.remove(TYPES.services, { name, namespace });
  return ports;
}

async function portOf(service: Promise<KubernetesObject | undefined>): Promise<number> {
  const { ports: [port] } = (await service)?.spec as { readonly ports: readonly [{ readonly nodePort: number }] };
  return port.nodePort;
}

/** An object of which a controller makes a definition. */
function templateOf(group: string, value: string): string {
  return yamlOf(down(`t.${group}`, "v1", { a: value }));
}

function webhooks(name: string): KubernetesObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [],
  };
}
