import assert from "node:assert/strict";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** The lives of a delivery, from association to removal: the table `deliveries`. */
export const livesCases: readonly StoreCase[] = [
  {
    claim: "a delivery is made once association and object both exist, whichever comes second",
    async run(world) {
      const { generator, agent, stack } = await world.linked();
      assert.equal(await world.state({ agent, stack }), undefined);
      await world.submit(stack);
      assert.equal(await world.state({ agent, stack }), "pending");

      const later = await world.agent(generator);
      await world.store.targets.add(later.id, stack.id);

      assert.equal(await world.state({ agent: later, stack }), "pending");
    },
  },
  {
    claim: "a deleted stack is terminating until it is reported removed, then absent",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack, object } = linked;

      assert.equal(await world.raised(agent, () => world.store.stacks.remove(stack.id)), 1);
      const [shown] = await world.poll(agent);
      assert.deepEqual([shown?.stackId, shown?.state, shown?.object], [stack.id, "terminating", undefined]);
      assert.equal((await world.delivery(linked))?.desiredObjectId, object.id);
      assert.equal(await world.raised(agent, () => world.report(linked, { state: "removed" })), 1);

      assert.deepEqual(await world.poll(agent), []);
      const delivery = await world.delivery(linked);
      assert.deepEqual([delivery?.state, delivery?.appliedObjectId], ["removed", undefined]);
      assert.equal(await world.raised(agent, () => world.report(linked, { state: "removed" })), 0);
    },
  },
  {
    claim: "a deleted stack that the agent never saw leaves no delivery",
    async run(world) {
      const linked = await world.linked();
      await world.submit(linked.stack);

      await world.store.stacks.remove(linked.stack.id);

      assert.equal(await world.delivery(linked), undefined);
      assert.deepEqual(await world.poll(linked.agent), []);
    },
  },
  {
    claim: "a deletion marker is terminating, then present without an object, and a new submission is delivered anew",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;

      const marker = await world.submit(stack, { isDeletionMarker: true });
      assert.equal((await world.poll(agent))[0]?.state, "terminating");
      assert.equal((await world.delivery(linked))?.desiredObjectId, marker.id);
      const [named] = await world.store.snapshots.targetState(agent.id, { mode: "full", isOwn: true });
      assert.equal(named?.id, marker.id);
      assert.equal(await world.raised(agent, () => world.report(linked, { state: "removed", objectId: marker.id })), 1);
      const [shown] = await world.poll(agent);
      assert.deepEqual([shown?.state, shown?.object], ["present", undefined]);

      const object = await world.submit(stack);
      const delivery = await world.delivery(linked);
      assert.deepEqual(
        [delivery?.state, delivery?.desiredObjectId, delivery?.firstSeenAt],
        ["pending", object.id, undefined],
      );
    },
  },
  {
    claim: "a second marker after the removal, or a marker that nobody saw anything before, changes no snapshot",
    async run(world) {
      const [removed, unseen] = [await world.applied(), await world.linked()];
      await world.submit(removed.stack, { isDeletionMarker: true });
      await world.report(removed, { state: "removed" });

      assert.equal(await world.raised(removed.agent, () => world.submit(removed.stack, { isDeletionMarker: true })), 0);
      assert.equal(await world.raised(unseen.agent, () => world.submit(unseen.stack, { isDeletionMarker: true })), 0);

      assert.equal(await world.state(removed), "removed");
      assert.equal(await world.state(unseen), undefined);
    },
  },
  {
    claim: "a submission after a marker that was not yet carried out puts the delivery back to pending",
    async run(world) {
      const linked = await world.applied();
      const seen = (await world.delivery(linked))?.firstSeenAt;
      await world.submit(linked.stack, { isDeletionMarker: true });

      const object = await world.submit(linked.stack);

      const delivery = await world.delivery(linked);
      assert.deepEqual(
        [delivery?.state, delivery?.desiredObjectId, delivery?.firstSeenAt],
        ["pending", object.id, seen],
      );
    },
  },
  {
    claim: "an ended association is absent from the snapshot, and told as ended and terminating until reported removed",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;

      assert.equal(await world.raised(agent, () => world.store.targets.remove(agent.id, stack.id)), 1);
      assert.deepEqual(await world.poll(agent), []);
      assert.deepEqual(await endedOf(world, agent), [stack.id]);
      assert.equal(await world.state(linked), "terminating");

      assert.equal(await world.raised(agent, () => world.report(linked, { state: "removed" })), 1);
      assert.equal(await world.state(linked), "removed");
      assert.deepEqual(await endedOf(world, agent), []);
    },
  },
  {
    claim: "what is deleted, marked, wanted again or was never seen is not told as ended",
    async run(world) {
      const [deleted, marked, back, unseen] = [
        await world.applied(),
        await world.applied(),
        await world.applied(),
        await world.linked(),
      ];
      await world.submit(unseen.stack);
      for (const { agent, stack } of [deleted, marked, back, unseen]) {
        await world.store.targets.remove(agent.id, stack.id);
      }
      await world.store.stacks.remove(deleted.stack.id);
      await world.store.targets.add(marked.agent.id, marked.stack.id);
      await world.submit(marked.stack, { isDeletionMarker: true });
      await world.store.targets.add(back.agent.id, back.stack.id);

      const ended = await Promise.all([deleted, marked, back, unseen].map(({ agent }) => endedOf(world, agent)));

      assert.deepEqual(ended, [[], [], [], []]);
      assert.deepEqual(
        await Promise.all([deleted, marked, back, unseen].map((linked) => world.state(linked))),
        ["terminating", "terminating", "applied", undefined],
      );
    },
  },
  {
    claim: "a stack deleted after its association had ended is a person's word: shown as terminating",
    async run(world) {
      const { agent, stack } = await world.applied();
      await world.store.targets.remove(agent.id, stack.id);

      assert.equal(await world.raised(agent, () => world.store.stacks.remove(stack.id)), 1);

      assert.equal((await world.poll(agent))[0]?.state, "terminating");
    },
  },
  {
    claim:
      "an association that returns before the removal was reported leaves the object applied, as old as that word is",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack, object } = linked;
      const before = await world.delivery(linked);
      await world.store.targets.remove(agent.id, stack.id);

      await world.store.targets.add(agent.id, stack.id);

      const after = await world.delivery(linked);
      assert.deepEqual([after?.state, after?.desiredObjectId, after?.deliveredAt], ["applied", object.id, undefined]);
      assert.ok(before && after && after.desiredAt > before.desiredAt);
      await world.report(linked, { state: "removed" });
      assert.equal(await world.state(linked), "pending");
    },
  },
  {
    claim:
      "an association that returns with an object that was not applied makes the delivery pending, desired from now on",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      await world.store.targets.remove(agent.id, stack.id);
      const object = await world.submit(stack);

      await world.store.targets.add(agent.id, stack.id);

      const after = await world.delivery(linked);
      assert.deepEqual([after?.state, after?.desiredObjectId], ["pending", object.id]);
      assert.deepEqual([after?.deliveredAt, after?.appliedAt], [undefined, undefined]);
    },
  },
  {
    claim: "a stack retargeted is terminating where it was and pending where it is",
    async run(world) {
      const { generator, agent, stack } = await world.applied();
      const other = await world.agent(generator);

      await world.store.targets.remove(agent.id, stack.id);
      await world.store.targets.add(other.id, stack.id);

      assert.deepEqual(
        [await world.state({ agent, stack }), await world.state({ agent: other, stack })],
        ["terminating", "pending"],
      );
    },
  },
  {
    claim: "deliveries.purge() deletes what has been removed for a day, so many at a time, and nothing else",
    async run(world) {
      const [old, young, terminating] = [await world.applied(), await world.applied(), await world.applied()];
      const others = [await world.applied(), await world.applied()];
      for (const { stack } of [old, young, terminating, ...others]) await world.store.stacks.remove(stack.id);
      for (const each of [old, young, ...others]) await world.report(each, { state: "removed" });
      for (const { agent } of [old, terminating, ...others]) {
        await world.database.sql`
          update deliveries set observed_at = now() - interval '25 hours' where agent_id = ${agent.id}`;
      }
      const { deliveries } = world.store;

      assert.deepEqual([await deliveries.purge(2), await deliveries.purge(2), await deliveries.purge(2)], [2, 1, 0]);

      assert.deepEqual(
        [await world.state(old), await world.state(young), await world.state(terminating)],
        [undefined, "removed", "terminating"],
      );
    },
  },
];

async function endedOf({ store }: StoreWorld, agent: Agent): Promise<readonly string[]> {
  return (await store.snapshots.read(agent.id, { isOwn: false })).endedStacks;
}
