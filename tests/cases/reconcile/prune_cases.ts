import assert from "node:assert/strict";
import type { ReconcileCase } from "./reconcile_case.ts";
import { yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, NAMESPACE, type TurnOptions } from "./world.ts";

/** Deleting: what goes, what stays, and what is in the way. */
export const pruneCases: readonly ReconcileCase[] = [
  {
    name: "what the bundle has no more is deleted, and only that",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      await hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other", namespace } });
      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));

      const outcome = await one.reconcile(stack, configMapYaml("a", "1"));

      assert.deepEqual(outcome.results.map(({ name, action }) => [name, action]), [["a", "unchanged"], [
        "b",
        "deleted",
      ]]);
      assert.equal(outcome.result, "applied");
      assert.equal(await hand.get(CONFIG_MAP, "b", namespace), undefined);
      assert.notEqual(await hand.get(CONFIG_MAP, "other", namespace), undefined);
    },
  },
  {
    name: "nothing is deleted while it may not be, and all of it later",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));

      await one.reconcile(stack, configMapYaml("a", "1"), { mayPrune: false });
      const kept = await hand.get(CONFIG_MAP, "b", namespace);
      await one.reconcile(stack, configMapYaml("a", "1"));

      assert.notEqual(kept, undefined);
      assert.equal(await hand.get(CONFIG_MAP, "b", namespace), undefined);
    },
  },
  {
    name: "the guard hears how many objects a stack had, whatever its bundle brings instead, after a restart too",
    async run({ agent, newStack, inventory }) {
      const [one, renamed, moved] = [await agent(), newStack(), newStack()];
      const asked: (readonly [keys: number, total: number])[] = [];
      const guard: TurnOptions["guard"] = {
        ask({ keys, total }) {
          asked.push([keys.length, total]);
          return Promise.resolve({ isAllowed: false, revision: 7 });
        },
      };
      const before = bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1"));
      const after = bundleOf(...["c", "d", "e"].map((name) => configMapYaml(name, "1")));
      await one.reconcile(renamed, before);
      await one.reconcile(renamed, after, { guard });
      await one.reconcile(renamed, after, { guard });
      using fresh = await one.restarted();
      await fresh.reconcile(renamed, after, { guard });
      await one.reconcile(moved, configMapYaml("x", "1"));

      await one.reconcile(moved, configMapYaml("x", "1"), { guard, defaultNamespace: inventory });

      assert.deepEqual(asked, [[2, 2], [2, 2], [2, 2], [1, 1]]);
    },
  },
  {
    name: "an object that was there before is adopted, and released when it is pruned",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      const metadata = { name: "old", namespace, labels: { team: "theirs" } };
      const old = await hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { own: "x" } });

      const adopted = await one.reconcile(stack, bundleOf(configMapYaml("old", "1"), configMapYaml("new", "1")));
      await one.reconcile(stack, bundleOf(configMapYaml("old", "2"), configMapYaml("new", "1")));
      const marked = await hand.get(CONFIG_MAP, "old", namespace);
      const removed = await one.remove(stack);
      const released = await hand.get(CONFIG_MAP, "old", namespace);

      assert.equal(adopted.result, "applied", adopted.message);
      assert.equal(marked?.metadata.annotations?.["brokkr.io/adopted"], "true");
      assert.deepEqual(marked?.data, { own: "x", value: "2" });
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(released?.metadata.uid, old.metadata.uid);
      assert.deepEqual(released?.metadata.labels, { team: "theirs" });
      assert.deepEqual(released?.metadata.annotations ?? {}, {});
      assert.equal(await hand.get(CONFIG_MAP, "new", namespace), undefined);
    },
  },
  {
    name: "a namespace that holds something of others stays, says so, and goes when that is gone",
    async run({ agent, newStack, hand, namespace, inventory }) {
      const one = await agent();
      const stack = newStack();
      const name = `${namespace}-own`;
      const yaml = `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;
      await one.reconcile(stack, bundleOf(yaml, configMapYaml("a", "1", { namespace: name })));
      await hand.create(CONFIG_MAP, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "theirs", namespace: name },
      });

      const blocked = await one.remove(stack);
      const held = await hand.get(NAMESPACE, name);
      await hand.remove(CONFIG_MAP, { name: "theirs", namespace: name });
      const removed = await one.remove(stack);

      assert.deepEqual([blocked.result, blocked.reason], ["blocked", "namespace_not_empty"], blocked.message);
      assert.match(blocked.message, new RegExp(`Namespace "${name}" holds ConfigMap "theirs"`));
      assert.equal(held?.metadata.deletionTimestamp, undefined);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, name), undefined);
      assert.equal(await hand.get(CONFIG_MAP, `brokkr-stack-${stack}-${one.id.slice(0, 8)}`, inventory), undefined);
    },
  },
  {
    name: "what a person saw in the way is approved at the same revision after a turn that could not look for it",
    async run({ namespace, hand, agent, newStack }) {
      const one = await agent();
      const [stack, other, name] = [newStack(), newStack(), `${namespace}-seen`];
      const space = `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;
      await one.reconcile(stack, bundleOf(space, configMapYaml("a", "1", { namespace: name })));
      await hand.create(CONFIG_MAP, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "theirs", namespace: name },
      });

      const seen = await one.remove(stack, { approval: { revision: 5 } });
      one.plan({ id: other, bundle: configMapYaml("b", "1") });
      const unseen = await one.remove(stack, { approval: { revision: 6, approved: 5 } });
      await one.learn(other, configMapYaml("b", "1"));
      const removed = await one.remove(stack, { approval: { revision: 7, approved: 5 } });

      assert.deepEqual([seen, unseen].map(({ reason, heldRevision }) => [reason, heldRevision]), [
        ["namespace_not_empty", 5],
        ["namespace_not_empty", 5],
      ]);
      assert.match(unseen.message, /stays until it is known what every stack wants/);
      assert.equal(removed.result, "applied", removed.message);
    },
  },
  {
    name: "a namespace that holds an object of the stack that stays is not deleted",
    async run({ namespace, hand, agent, newStack }) {
      const mine = await agent();
      const [stack, name] = [newStack(), `${namespace}-stays`];
      const space = `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;
      await mine.reconcile(stack, bundleOf(space, configMapYaml("wanted", "1", { namespace: name })));

      const dropped = await mine.reconcile(stack, configMapYaml("wanted", "1", { namespace: name }));
      await hand.patch(CONFIG_MAP, { name: "wanted", namespace: name }, {
        metadata: { annotations: { "brokkr.io/prune": "disabled" } },
      });
      const removed = await mine.remove(stack);

      for (const { result, reason, message } of [dropped, removed]) {
        assert.deepEqual([result, reason], ["blocked", "namespace_not_empty"]);
        assert.match(message, /holds ConfigMap "wanted"/);
      }
      assert.equal((await hand.get(CONFIG_MAP, "wanted", name))?.metadata.deletionTimestamp, undefined);
      assert.equal((await hand.get(NAMESPACE, name))?.metadata.deletionTimestamp, undefined);
    },
  },
  {
    name: "the agent's own Namespace, and those that Kubernetes needs, are kept, whatever a manifest and a person say",
    async run({ agent, newStack, hand, inventory }) {
      const [one, stack] = [await agent(), newStack()];
      const names = [inventory, "default"];
      const owned = (name: string) =>
        yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }, { adopt: "own" });
      await one.reconcile(stack, bundleOf(...names.map(owned), configMapYaml("a", "1")));

      const dropped = await one.reconcile(stack, configMapYaml("a", "1"), { approval: { revision: 5, approved: 5 } });
      const removed = await one.remove(stack);

      assert.deepEqual(dropped.results.map(({ name, action }) => [name, action]), [
        ["a", "unchanged"],
        ...names.map((name) => [name, "kept"]),
      ]);
      assert.match(dropped.message, /Namespace "inventory-.*" is kept: the agent itself lives in it/);
      assert.match(dropped.message, /Namespace "default" is kept: Kubernetes needs it/);
      assert.deepEqual([dropped.result, removed.result], ["applied", "applied"], removed.message);
      for (const name of names) {
        const { deletionTimestamp, labels } = (await hand.get(NAMESPACE, name))?.metadata ?? {};
        assert.deepEqual([deletionTimestamp, labels], [undefined, { "kubernetes.io/metadata.name": name }]);
      }
    },
  },
  {
    name: "an object with an owner, one kept by a person, and a copy of ours by hand are not pruned",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      const names = ["owned", "kept", "owner", "plain"];
      await one.reconcile(stack, bundleOf(...names.map((name) => configMapYaml(name, "1"))));
      const owner = await hand.create(CONFIG_MAP, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "hand", namespace },
      });
      const reference = {
        apiVersion: "v1",
        kind: "ConfigMap",
        name: "hand",
        uid: owner.metadata.uid,
        controller: true,
      };
      await hand.patch(CONFIG_MAP, { name: "owned", namespace }, { metadata: { ownerReferences: [reference] } });
      await hand.patch(CONFIG_MAP, { name: "kept", namespace }, {
        metadata: { annotations: { "brokkr.io/prune": "disabled" } },
      });
      const plain = await hand.get(CONFIG_MAP, "plain", namespace);
      const { labels, annotations } = plain?.metadata ?? {};
      const copy = { name: "copy", namespace, labels, annotations };
      await hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata: copy });

      const outcome = await one.reconcile(stack, configMapYaml("owner", "1"));

      const deleted = outcome.results.filter(({ action }) => action === "deleted").map(({ name }) => name);
      assert.deepEqual(deleted, ["plain"]);
      for (const name of ["owned", "kept", "copy"]) {
        assert.notEqual(await hand.get(CONFIG_MAP, name, namespace), undefined, name);
      }
    },
  },
  {
    name: "an agent killed in the middle of an apply leaves nothing that the next start does not finish",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent({ dieAfterApplies: 2 });
      const stack = newStack();
      const bundle = bundleOf(...["a", "b", "c", "d"].map((name) => configMapYaml(name, "1")));
      await assert.rejects(one.reconcile(stack, bundle), /killed/);
      const two = await one.restarted();

      const outcome = await two.reconcile(stack, bundle);

      assert.equal(outcome.result, "applied", outcome.message);
      assert.equal(outcome.driftRepaired, 0);
      for (const name of ["a", "b", "c", "d"]) assert.notEqual(await hand.get(CONFIG_MAP, name, namespace), undefined);
      two[Symbol.dispose]();
    },
  },
  {
    name: "an agent killed in the middle of an apply leaves nothing that the next start does not prune",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent({ dieAfterApplies: 2 });
      const stack = newStack();
      const names = ["a", "b", "c", "d"];
      await assert.rejects(one.reconcile(stack, bundleOf(...names.map((name) => configMapYaml(name, "1")))), /killed/);
      const two = await one.restarted();
      const listed = await two.reconciler.inventory.listStacks();

      const removed = await two.remove(stack);

      assert.deepEqual(listed.map(({ id, deploymentChecksum }) => [id, deploymentChecksum]), [[stack, undefined]]);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(removed.results.length, 2);
      for (const name of names) assert.equal(await hand.get(CONFIG_MAP, name, namespace), undefined);
      two[Symbol.dispose]();
    },
  },
  {
    name: "removing a stack that is not in the inventory is nothing to do",
    async run({ agent, newStack }) {
      const outcome = await (await agent()).remove(newStack());

      assert.equal(outcome.result, "unchanged");
    },
  },
];
