import assert from "node:assert/strict";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { signOfLife, takeOver, type TakeOverParts } from "../../../agent/kube/take_over.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, nameOf, type ReconcileWorld, type TestAgent } from "./world.ts";

const EPOCH = "7c9a0f6e-8f3b-4f43-9a7e-0d2f2a1f6b11";
const OTHER_EPOCH = "8c9a0f6e-8f3b-4f43-9a7e-0d2f2a1f6b11";
const ROOT = {
  known: { epoch: EPOCH, revision: 40 },
  hold: undefined,
  held: [],
  removals: [],
  acceptEpoch: undefined,
};
const CURRENT = { epoch: EPOCH, revision: 3 };
const LEASE = { ...CONFIG_MAP, apiVersion: "coordination.k8s.io/v1", kind: "Lease", resource: "leases" };
const MINUTE_MS = 60_000;
const signal = new AbortController().signal;

/** A lost identity's stacks given to another one. */
export const takeOverCases: readonly ReconcileCase[] = [
  {
    name: "take-over gives each object with its uid to the new agent, which then applies and removes it",
    async run(world) {
      const { agent, newStack, hand, namespace, inventory } = world;
      const [lost, found, stack] = [await agent(), await agent(), newStack()];
      const bundle = bundleOf(configMapYaml("a", "1"), "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n");
      await lost.reconciler.inventory.writeRoot(ROOT);
      await lost.reconcile(stack, bundle);
      const before = await hand.get(CONFIG_MAP, "a", namespace);
      const refused = await found.reconcile(stack, bundle);

      const taken = await takeOver(partsOf(world, lost, found), CURRENT, signal);
      const marked = await hand.get(CONFIG_MAP, "a", namespace);
      const after = await found.reconcile(stack, bundle);
      const again = await found.reconcile(stack, bundle);
      const root = await found.reconciler.inventory.readRoot();

      const hint = `it belongs to stack "${
        nameOf(stack)
      }" of agent "${lost.id}"; if that one is lost: take-over --from ${lost.id}`;
      assert.ok(refused.message.includes(hint), refused.message);
      assert.deepEqual(taken, { stacks: 1, objects: 2 });
      assert.equal(marked?.metadata.annotations?.["brokkr.io/owner-id"], found.id);
      assert.deepEqual([after.driftRepaired, again.result], [0, "unchanged"], `${after.message}; ${again.message}`);
      assert.notEqual(after.result, "failed", after.message);
      assert.equal((await hand.get(CONFIG_MAP, "a", namespace))?.metadata.uid, before?.metadata.uid);
      assert.deepEqual([root.known, root.hold], [CURRENT, undefined], "revisions are counted for each agent apart");
      const left = [`brokkr-agent-${lost.id}`, `brokkr-stack-${stack}-${lost.id.slice(0, 8)}`];
      for (const name of left) assert.equal(await hand.get(CONFIG_MAP, name, inventory), undefined, name);
      assert.equal((await found.remove(stack)).result, "applied");
      assert.equal(await hand.get(CONFIG_MAP, "a", namespace), undefined);
    },
  },
  {
    name: "what the new bundle does not have any more is pruned after a take-over, for it was recorded",
    async run(world) {
      const { agent, newStack, hand, namespace } = world;
      const [lost, found, stack] = [await agent(), await agent(), newStack()];
      await lost.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));

      await takeOver(partsOf(world, lost, found), CURRENT, signal);
      const after = await found.reconcile(stack, configMapYaml("a", "1"));

      assert.equal(after.result, "applied", after.message);
      assert.equal(await hand.get(CONFIG_MAP, "b", namespace), undefined);
    },
  },
  {
    name: "a take-over that ended in the middle can be run again",
    async run(world) {
      const { agent, newStack, hand, namespace } = world;
      const [lost, found, stack] = [await agent(), await agent(), newStack()];
      const names = ["a", "b", "c", "d"];
      const bundle = bundleOf(...names.map((name) => configMapYaml(name, "1")));
      await lost.reconciler.inventory.writeRoot(ROOT);
      await lost.reconcile(stack, bundle);
      const uids = async () =>
        await Promise.all(names.map(async (name) => uidOf(await hand.get(CONFIG_MAP, name, namespace))));
      const before = await uids();
      const parts = partsOf(world, lost, found);

      for (let requests = 0;; requests += 1) {
        try {
          await takeOver({ ...parts, kubernetes: dyingAfter(requests, parts.kubernetes) }, CURRENT, signal);
          break;
        } catch (error) {
          assert.equal((error as Error).message, "killed");
        }
      }
      const after = await found.reconcile(stack, bundle);

      const again = await found.reconcile(stack, bundle);

      assert.notEqual(after.result, "failed", after.message);
      assert.deepEqual([again.result, await uids()], ["unchanged", before], again.message);
      assert.equal(found.objectsOf(stack), 4);
    },
  },
  {
    name: "a take-over from another database of the broker's leaves the new agent on hold",
    async run(world) {
      const { agent, newStack } = world;
      const [lost, found] = [await agent(), await agent()];
      await lost.reconciler.inventory.writeRoot(ROOT);
      await lost.reconcile(newStack(), configMapYaml("a", "1"));
      await found.reconciler.inventory.writeRoot({ ...ROOT, known: { epoch: OTHER_EPOCH, revision: 1 } });

      await takeOver(partsOf(world, lost, found), { epoch: OTHER_EPOCH, revision: 1 }, signal);

      assert.deepEqual((await found.reconciler.inventory.readRoot()).known, ROOT.known);
    },
  },
  {
    name: "a held Lease and a root just written say that the old agent lives",
    async run(world) {
      const { agent, hand, inventory } = world;
      const [lost, found] = [await agent(), await agent()];
      const parts = partsOf(world, lost, found);
      const nowMs = Date.now();
      const said: (string | undefined)[] = [await signOfLife(parts, nowMs, signal)];
      await lost.reconciler.inventory.writeRoot(ROOT);
      said.push(await signOfLife(parts, nowMs, signal), await signOfLife(parts, nowMs + 60 * MINUTE_MS, signal));
      const renewTime = new Date(nowMs + 60 * MINUTE_MS).toISOString().replace("Z", "000Z");
      await hand.create(LEASE, {
        apiVersion: LEASE.apiVersion,
        kind: "Lease",
        metadata: { name: `brokkr-agent-${lost.id}`, namespace: inventory },
        spec: { holderIdentity: "somebody", leaseDurationSeconds: 30, renewTime },
      });
      said.push(...await Promise.all([60, 61].map((min) => signOfLife(parts, nowMs + min * MINUTE_MS + 1, signal))));

      const words = said.map((why) => why?.replace(/ at .*/, ""));
      assert.deepEqual(words, [undefined, "its root was written", undefined, "its Lease is held", undefined]);
    },
  },
];

function partsOf({ inventory }: ReconcileWorld, lost: TestAgent, found: TestAgent): TakeOverParts {
  const who = { from: lost.id, to: found.id, impersonatesGenerators: false };
  return { kubernetes: found.kubernetes, log: silentLog(), namespace: inventory, ...who };
}

function uidOf(object: { readonly metadata: { readonly uid?: string } } | undefined): string | undefined {
  return object?.metadata.uid;
}

/** The same door, through which only so many writes come. */
function dyingAfter(writes: number, kubernetes: Kubernetes): Kubernetes {
  let count = 0;
  const alive = <A extends readonly unknown[], T>(write: (...args: A) => Promise<T>) => (...args: A): Promise<T> =>
    count++ < writes ? write(...args) : Promise.reject(new Error("killed"));
  return {
    ...kubernetes,
    create: alive((...args) => kubernetes.create(...args)),
    patch: alive((...args) => kubernetes.patch(...args)),
    delete: alive((...args) => kubernetes.delete(...args)),
  };
}
