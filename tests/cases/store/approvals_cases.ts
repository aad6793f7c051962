import assert from "node:assert/strict";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { Linked, StoreCase, StoreWorld } from "./store_world.ts";

/** A person's word about one stack whose removal its namespaces block. */
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
    claim: "the guard's hold is not approved by naming a stack",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      await world.store.targets.remove(agent.id, stack.id);
      const revision = await world.revision(agent);
      await world.report(linked, { state: "blocked", reason: "prune_held", revision });

      const approving = world.store.agents.approvePrune(agent.id, { revision, stackId: stack.id });

      await assert.rejects(approving, { code: "nothing_held" });
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
      const { pruneApproved, approvedStacks } = await world.store.snapshots.read(agent.id, { isOwn: false });
      assert.deepEqual([pruneApproved, approvedStacks, await world.state(linked)], [revision, [], "blocked"]);
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
