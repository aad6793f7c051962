import assert from "node:assert/strict";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { Linked, StoreCase, StoreWorld } from "./store_world.ts";

/** A person's word about what is held of an agent's stacks, or of one whose removal its namespaces block. */
export const approvalsCases: readonly StoreCase[] = [
  {
    claim: "what blocks one stack's removal is approved for that stack at its revision only, and once",
    async run(world) {
      const { agents } = world.store;
      const { agent, stack, revision } = await blocked(world);
      const other = await world.stack();

      for (
        const wrong of [{ revision }, { revision: revision + 1, stackId: stack.id }, { revision, stackId: other.id }]
      ) {
        await assert.rejects(agents.approvePrune(agent.id, wrong), { code: "nothing_held" });
      }
      const approve = () => agents.approvePrune(agent.id, { revision, stackId: stack.id });
      const raised = [await world.raised(agent, approve), await world.raised(agent, approve)];

      assert.deepEqual(raised, [1, 0]);
      assert.deepEqual(await approvedOf(world, agent), [{ stackId: stack.id, revision }]);
    },
  },
  {
    claim:
      "what the guard holds is approved for all stacks of a revision, or for one that is named, and none ends another",
    async run(world) {
      const { agents } = world.store;
      const generator = await world.generator();
      const agent = await world.agent(generator);
      const stacks = await Promise.all([1, 2, 3].map(() => world.stack(generator)));
      const [a, b, c] = stacks.map(({ id }) => id);
      for (const stack of stacks) {
        await world.store.targets.add(agent.id, stack.id);
        await world.submit(stack);
        await world.poll(agent);
        await world.report({ agent, stack }, { state: "applied" });
      }
      const [older, newer] = [await world.revision(agent), await world.revision(agent) + 1];
      for (const stack of stacks) {
        await world.store.targets.remove(agent.id, stack.id);
        const revision = stack.id === c ? newer : older;
        await world.report({ agent, stack }, { state: "blocked", reason: "prune_held", revision });
      }
      await assert.rejects(agents.approvePrune(agent.id, { revision: newer, stackId: a }), { code: "nothing_held" });

      await agents.approvePrune(agent.id, { revision: older, stackId: b });
      const one = await heldApprovals(world, agent);
      await agents.approvePrune(agent.id, { revision: newer });
      const two = await heldApprovals(world, agent);
      await agents.approvePrune(agent.id, { revision: older });
      const all = await heldApprovals(world, agent);

      assert.deepEqual(one, { last: undefined, each: { [b ?? ""]: older } });
      assert.deepEqual(two, { last: newer, each: { [b ?? ""]: older, [c ?? ""]: newer } });
      assert.deepEqual(all, { last: older, each: { [a ?? ""]: older, [b ?? ""]: older, [c ?? ""]: newer } });
    },
  },
  {
    claim: "an approval of what the guard holds stays while that is held at its revision, and ends with another",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      await world.store.targets.remove(agent.id, stack.id);
      const revision = await world.revision(agent);
      const held = { state: "blocked", reason: "prune_held", revision } as const;
      await world.report(linked, held);
      await world.store.agents.approvePrune(agent.id, { revision, stackId: stack.id });

      const stays = await world.raised(agent, () => world.report(linked, held));
      const shown = (await heldApprovals(world, agent)).each;
      const ends = await world.raised(agent, () => world.report(linked, { ...held, revision: revision + 1 }));

      assert.deepEqual([stays, shown, ends], [0, { [stack.id]: revision }, 1]);
      assert.deepEqual(await heldApprovals(world, agent), { last: undefined, each: {} });
    },
  },
  {
    claim:
      "an approval of a stack stays while that is blocked, is shown when the stack is absent, and raises the revision as it goes",
    async run(world) {
      const { agent, stack, revision } = await approved(world);
      assert.deepEqual((await world.poll(agent)).map(({ stackId }) => stackId), []);

      const again = { state: "blocked", reason: "namespace_not_empty", revision } as const;
      const stays = await world.raised(agent, () => world.report({ agent, stack }, again));
      const shown = await approvedOf(world, agent);
      const goes = await world.raised(agent, () => world.report({ agent, stack }, { state: "removed" }));

      assert.deepEqual([stays, shown.length, goes], [0, 1, 1]);
      assert.deepEqual(await approvedOf(world, agent), []);
    },
  },
  {
    claim: "an approval of a stack ends with another failure, and does not come back with the block",
    async run(world) {
      const { agent, stack, revision } = await approved(world);

      const raised = await world.raised(
        agent,
        () => world.report({ agent, stack }, { state: "failed", reason: "prune_failed" }),
      );
      await world.report({ agent, stack }, {
        state: "blocked",
        reason: "namespace_not_empty",
        revision: revision + 9,
      });

      assert.deepEqual([raised, await approvedOf(world, agent)], [1, []]);
    },
  },
  {
    claim: "an approval of a stack ends when the stack is wanted again",
    async run(world) {
      const { agent, stack } = await approved(world);

      const raised = await world.raised(agent, () => world.store.targets.add(agent.id, stack.id));

      assert.deepEqual([raised, await approvedOf(world, agent)], [1, []]);
      assert.equal((await world.delivery({ agent, stack }))?.approvedRevision, undefined);
    },
  },
  {
    claim: "an approval of a stack ends when another deletion is asked of it, and the agent hears of that",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      await world.submit(stack, { isDeletionMarker: true });
      const revision = await world.revision(agent);
      await world.report(linked, { state: "blocked", reason: "namespace_not_empty", revision });
      await world.store.agents.approvePrune(agent.id, { revision, stackId: stack.id });

      const raised = await world.raised(agent, () => world.submit(stack, { isDeletionMarker: true }));

      assert.deepEqual([raised, await approvedOf(world, agent)], [1, []]);
      assert.equal((await world.delivery(linked))?.approvedRevision, undefined);
    },
  },
  {
    claim: "the approval of what left a bundle is asked for and given as that of a whole stack",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack, object } = linked;
      const revision = await world.revision(agent);
      const held = { state: "blocked", revision, objectId: object.id } as const;

      await world.report(linked, { ...held, reason: "namespace_not_empty" });
      await world.store.agents.approvePrune(agent.id, { revision, stackId: stack.id });
      const shown = await approvedOf(world, agent);
      await world.report(linked, { ...held, reason: "prune_held" });
      await world.store.agents.approvePrune(agent.id, { revision });

      assert.deepEqual(shown, [{ stackId: stack.id, revision }]);
      const { approvedStacks } = await world.store.snapshots.read(agent.id, { isOwn: false });
      assert.deepEqual([approvedStacks, await world.state(linked)], [[], "blocked"]);
      assert.deepEqual(await heldApprovals(world, agent), { last: revision, each: { [stack.id]: revision } });
    },
  },
];

/** A stack whose association has ended, and whose removal is blocked at the agent's revision. */
async function blocked(world: StoreWorld): Promise<Linked & { readonly revision: number }> {
  const linked = await world.applied();
  await world.store.targets.remove(linked.agent.id, linked.stack.id);
  const revision = await world.revision(linked.agent);
  await world.report(linked, { state: "blocked", reason: "namespace_not_empty", revision });
  return { ...linked, revision };
}

async function approved(world: StoreWorld): Promise<Linked & { readonly revision: number }> {
  const held = await blocked(world);
  await world.store.agents.approvePrune(held.agent.id, { revision: held.revision, stackId: held.stack.id });
  return held;
}

async function approvedOf(world: StoreWorld, agent: Agent) {
  return (await world.store.snapshots.read(agent.id, { isOwn: false })).approvedStacks;
}

async function heldApprovals(world: StoreWorld, agent: Agent) {
  const { pruneApproved, approvedHeld } = await world.store.snapshots.read(agent.id, { isOwn: false });
  return {
    last: pruneApproved,
    each: Object.fromEntries(approvedHeld.map(({ stackId, revision }) => [stackId, revision])),
  };
}
