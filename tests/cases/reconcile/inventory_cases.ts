import assert from "node:assert/strict";
import type { ReconcileCase } from "./reconcile_case.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, nameOf } from "./world.ts";

const STAMP = { epoch: "7c9a0f6e-8f3b-4f43-9a7e-0d2f2a1f6b11", revision: 7 };
const EMPTY = { known: undefined, hold: undefined, held: [], removals: [], acceptEpoch: undefined };

/** The record in the cluster, as other tools read it. */
export const inventoryCases: readonly ReconcileCase[] = [
  {
    name: "a parent names set, tooling, kinds, namespaces, and what was applied as a whole",
    async run({ agent, newStack, hand, inventory, namespace }) {
      const one = await agent();
      const stack = newStack();
      await one.reconcile(
        stack,
        bundleOf(configMapYaml("a", "1"), "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n"),
      );

      const parent = await hand.get(CONFIG_MAP, `brokkr-stack-${stack}-${one.id.slice(0, 8)}`, inventory);
      const member = await hand.get(CONFIG_MAP, "a", namespace);

      const { labels, annotations } = parent?.metadata ?? {};
      assert.match(labels?.["applyset.kubernetes.io/id"] ?? "", /^applyset-[A-Za-z0-9_-]{43}-v1$/);
      assert.equal(member?.metadata.labels?.["applyset.kubernetes.io/part-of"], labels?.["applyset.kubernetes.io/id"]);
      assert.match(annotations?.["applyset.kubernetes.io/tooling"] ?? "", /^brokkr\/v\d/);
      assert.equal(annotations?.["applyset.kubernetes.io/contains-group-kinds"], "ConfigMap,Secret");
      assert.equal(annotations?.["applyset.kubernetes.io/additional-namespaces"], namespace);
      assert.equal(annotations?.["brokkr.io/stack-name"], nameOf(stack));
      const [listed] = await one.reconciler.inventory.listStacks();
      assert.equal(listed?.deploymentObjectId, annotations?.["brokkr.io/deployment-object-id"]);
    },
  },
  {
    name: "a kind leaves the parent when its last object is gone",
    async run({ agent, newStack, hand, inventory }) {
      const one = await agent();
      const stack = newStack();
      await one.reconcile(
        stack,
        bundleOf(configMapYaml("a", "1"), "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n"),
      );

      await one.reconcile(stack, configMapYaml("a", "1"));

      const parent = await hand.get(CONFIG_MAP, `brokkr-stack-${stack}-${one.id.slice(0, 8)}`, inventory);
      assert.equal(parent?.metadata.annotations?.["applyset.kubernetes.io/contains-group-kinds"], "ConfigMap");
    },
  },
  {
    name: "an agent's inventory holds its own stacks and nobody else's",
    async run({ agent, newStack }) {
      const [one, other] = [await agent(), await agent()];
      const stack = newStack();
      await one.reconcile(stack, configMapYaml("a", "1"));
      await other.reconcile(newStack(), configMapYaml("b", "1"));

      const stacks = await one.reconciler.inventory.listStacks();

      assert.deepEqual(stacks.map(({ id }) => id), [stack]);
    },
  },
  {
    name: "a parent that somebody spoilt is put right by the next turn, and in the inventory again",
    async run({ agent, newStack, hand, inventory: namespace }) {
      const one = await agent();
      const stack = newStack();
      const place = { name: `brokkr-stack-${stack}-${one.id.slice(0, 8)}`, namespace };
      await one.reconcile(stack, configMapYaml("a", "1"));
      const annotations = { "brokkr.io/stack-id": null, "applyset.kubernetes.io/tooling": "brokkr/v0.0.1" };
      await hand.patch(CONFIG_MAP, place, { metadata: { annotations } });

      await one.reconcile(stack, configMapYaml("a", "1"));

      assert.deepEqual((await one.reconciler.inventory.listStacks()).map(({ id }) => id), [stack]);
      const parent = await hand.get(CONFIG_MAP, place.name, namespace);
      assert.notEqual(parent?.metadata.annotations?.["applyset.kubernetes.io/tooling"], "brokkr/v0.0.1");
    },
  },
  {
    name: "an agent whose inventory moved to another namespace takes its own objects over, and nobody else's",
    async run({ agent, newStack, namespace, hand }) {
      const [one, other, stack] = [await agent(), await agent(), newStack()];
      await one.reconcile(stack, configMapYaml("a", "1"));
      await other.reconcile(newStack(), configMapYaml("b", "1"));
      const moved = await one.restarted({ inventory: namespace });

      const taken = await moved.reconcile(stack, configMapYaml("a", "2"));
      const refused = await moved.reconcile(newStack(), configMapYaml("b", "2"));
      const removed = await moved.remove(stack);
      moved[Symbol.dispose]();

      assert.equal(taken.result, "applied", taken.message);
      assert.equal(refused.reason, "refused", refused.message);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(CONFIG_MAP, "a", namespace), undefined);
    },
  },
  {
    name: "the root is made, changed only where it differs, and read back by the next process",
    async run({ agent }) {
      const one = await agent();
      const { inventory } = one.reconciler;
      const held = [{ id: "a", objects: 1, revision: 7, isApproved: false }, {
        id: "b",
        objects: 1,
        revision: 6,
        isApproved: true,
      }];

      const before = await inventory.readRoot();
      await inventory.writeRoot({ ...EMPTY, known: STAMP, held });
      one.counts();
      await inventory.writeRoot({ ...EMPTY, known: STAMP, held });
      const unchanged = one.counts();
      await inventory.writeRoot({ ...EMPTY, known: { ...STAMP, revision: 8 } });
      const changed = one.counts();

      const two = await one.restarted();
      assert.deepEqual(before, EMPTY);
      assert.deepEqual(unchanged, {});
      assert.deepEqual(changed, { "patch success": 1 });
      assert.deepEqual(await two.reconciler.inventory.readRoot(), { ...EMPTY, known: { ...STAMP, revision: 8 } });
      two[Symbol.dispose]();
    },
  },
  {
    name: "a root that somebody spoilt holds every removal, and is put right when the epoch is accepted",
    async run({ agent, hand, inventory: namespace }) {
      const one = await agent();
      const { inventory } = one.reconciler;
      const place = { name: `brokkr-agent-${one.id}`, namespace };
      await inventory.writeRoot({ ...EMPTY, known: STAMP });
      await hand.patch(CONFIG_MAP, place, { metadata: { annotations: { "brokkr.io/held": "spoilt" } } });

      const spoilt = await inventory.readRoot();
      await inventory.writeRoot(spoilt);
      const held = await inventory.readRoot();
      await inventory.writeRoot({ ...EMPTY, known: STAMP });

      assert.notEqual(spoilt.hold, undefined);
      assert.deepEqual(held, spoilt);
      assert.deepEqual(await inventory.readRoot(), { ...EMPTY, known: STAMP });
    },
  },
];
