import assert from "node:assert/strict";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { StackChange, StackPolicy } from "../../../broker/domain/stack.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

const USUAL: StackPolicy = { suspended: false, drift: "repair", defaultNamespace: undefined };

/** A stack's own policy: in the table `stacks`, and in what agents are told. */
export const policiesCases: readonly StoreCase[] = [
  {
    claim: "a new stack is not suspended, has its drift repaired and no namespace, unless it is said otherwise",
    async run(world) {
      const { id: generatorId } = await world.generator();
      const own: StackPolicy = { suspended: true, drift: "off", defaultNamespace: "shop" };

      const usual = await world.store.stacks.add({ name: world.name("stack"), generatorId });
      const special = await world.store.stacks.add({ name: world.name("stack"), generatorId, ...own });

      assert.deepEqual([policyOf(usual), policyOf(special)], [USUAL, own]);
      assert.deepEqual(await world.store.stacks.get(special.id), special);
    },
  },
  {
    claim: "stacks.change() leaves a policy that it is not told as it is, and takes a namespace away when told so",
    async run(world) {
      const stack = await world.stack();
      const change = async (policy: Partial<StackChange>) =>
        policyOf(await world.store.stacks.change(stack.id, { name: stack.name, ...policy }));

      const policies = [
        await change({ suspended: true, drift: "report", defaultNamespace: "shop" }),
        await change({}),
        await change({ suspended: false }),
        await change({ drift: "off", defaultNamespace: null }),
      ];

      const policy = { suspended: true, drift: "report", defaultNamespace: "shop" };
      assert.deepEqual(policies, [
        policy,
        policy,
        { ...policy, suspended: false },
        { suspended: false, drift: "off", defaultNamespace: undefined },
      ]);
    },
  },
  {
    claim: "a changed policy is in the snapshot, and raises the revision of the agents that have the stack alone",
    async run(world) {
      const { agent, stack, object } = await world.applied();
      const stranger = await world.applied();
      const strangers = await world.revision(stranger.agent);
      const changed = (policy: Partial<StackChange>) =>
        world.raised(agent, () => world.store.stacks.change(stack.id, { name: stack.name, ...policy }));

      const raised = [
        await changed({ suspended: true }),
        await changed({ drift: "report" }),
        await changed({ defaultNamespace: "shop" }),
        await changed({ suspended: true, drift: "report", defaultNamespace: "shop" }),
      ];

      assert.deepEqual(raised, [1, 1, 1, 0]);
      assert.deepEqual(await policy(world, agent), [{ suspended: true, drift: "report", defaultNamespace: "shop" }]);
      assert.equal((await world.poll(agent))[0]?.object?.id, object.id);
      assert.equal(await world.state({ agent, stack }), "applied");
      assert.equal(await world.revision(stranger.agent), strangers);
    },
  },
  {
    claim: "a suspended stack that is deleted stays in the snapshot, terminating and suspended",
    async run(world) {
      const { agent, stack } = await world.applied();
      await world.store.stacks.change(stack.id, { name: stack.name, suspended: true });

      await world.store.stacks.remove(stack.id);

      const [shown] = await world.poll(agent);
      assert.deepEqual([shown?.state, shown?.suspended], ["terminating", true]);
      await world.report({ agent, stack }, { state: "blocked", reason: "suspended" });
      assert.equal((await world.delivery({ agent, stack }))?.reason, "suspended");
    },
  },
  {
    claim: "a deleted stack can be changed while it is suspended, and no longer: agents are told that they may go on",
    async run(world) {
      const { stacks } = world.store;
      const { agent, stack: { id, name } } = await world.applied();
      await stacks.change(id, { name, suspended: true });
      await stacks.remove(id);
      await assert.rejects(stacks.get(id), { code: "stack_not_found" });
      const left = await stacks.getForChange(id);

      const raised = await world.raised(agent, () => stacks.change(id, { name, suspended: false }));

      assert.ok(left.deletedAt);
      assert.equal(raised, 1);
      assert.deepEqual((await world.poll(agent)).map(({ state, suspended }) => [state, suspended]), [
        ["terminating", false],
      ]);
      await assert.rejects(stacks.getForChange(id), { code: "stack_not_found" });
      await assert.rejects(stacks.change(id, { name, suspended: true }), { code: "stack_not_found" });
    },
  },
];

function policyOf({ suspended, drift, defaultNamespace }: StackPolicy): StackPolicy {
  return { suspended, drift, defaultNamespace };
}

async function policy(world: StoreWorld, agent: Agent): Promise<readonly StackPolicy[]> {
  return (await world.poll(agent)).map(policyOf);
}
