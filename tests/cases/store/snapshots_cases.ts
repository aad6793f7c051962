import assert from "node:assert/strict";
import { headOf, type StoreCase } from "./store_world.ts";

/** What agents are told: the table `app` and the views of what is desired. */
export const snapshotsCases: readonly StoreCase[] = [
  {
    claim: "a snapshot has the epoch, the revision and every associated stack, with or without an object",
    async run(world) {
      const { generator, agent, stack } = await world.linked();
      const empty = await world.stack(generator);
      await world.store.targets.add(agent.id, empty.id);
      await world.submit(stack);
      const object = await world.submit(stack);

      const { epoch, revision, stacks } = await world.store.snapshots.read(agent.id, { isOwn: false });

      assert.deepEqual({ epoch, revision }, await world.store.snapshots.version(agent.id));
      assert.deepEqual(stacks.find(({ stackId }) => stackId === empty.id)?.object, undefined);
      assert.deepEqual(stacks.find(({ stackId }) => stackId === stack.id), {
        stackId: stack.id,
        name: stack.name,
        generatorId: generator.id,
        state: "present",
        suspended: false,
        drift: "repair",
        defaultNamespace: undefined,
        object: {
          id: object.id,
          sequenceId: object.sequenceId,
          checksum: object.yamlChecksum,
          sizeBytes: object.yamlContent.length,
          submittedAt: object.submittedAt,
          traceparent: undefined,
          tracestate: undefined,
        },
      });
    },
  },
  {
    claim: "a snapshot read with the agent's own key counts as delivered, once; any other reading counts for nothing",
    async run(world) {
      const { agent, stack } = await world.linked();
      await world.submit(stack);
      await world.store.snapshots.read(agent.id, { isOwn: false });
      assert.equal((await world.delivery({ agent, stack }))?.deliveredAt, undefined);

      await world.poll(agent);
      const delivered = await world.delivery({ agent, stack });
      await world.poll(agent);

      assert.ok(delivered?.deliveredAt && delivered.deliveredAt >= delivered.desiredAt);
      assert.deepEqual(delivered.firstSeenAt, delivered.deliveredAt);
      assert.deepEqual(await world.delivery({ agent, stack }), delivered);
    },
  },
  {
    claim: "another object is pending and not delivered again, and was first seen when its predecessor was",
    async run(world) {
      const { agent, stack } = await world.applied();
      const before = await world.delivery({ agent, stack });

      const object = await world.submit(stack);

      const after = await world.delivery({ agent, stack });
      assert.deepEqual(
        [after?.state, after?.desiredObjectId, after?.deliveredAt, after?.appliedAt],
        ["pending", object.id, undefined, undefined],
      );
      assert.deepEqual(after?.firstSeenAt, before?.firstSeenAt);
      assert.equal(after?.appliedObjectId, before?.desiredObjectId);
      assert.ok(before && after && after.desiredAt > before.desiredAt);
    },
  },
  {
    claim: "reading a snapshot again writes and locks nothing",
    async run(world) {
      const { agent, stack } = await world.linked();
      await world.submit(stack);
      await world.poll(agent);
      const version = () =>
        world.database.sql<{ written: string; locked: string }>`
          select xmin::text as written, xmax::text as locked from deliveries where agent_id = ${agent.id}
          union all select xmin::text, xmax::text from agents where id = ${agent.id}`;
      const before = await version();

      await world.poll(agent);
      await world.store.snapshots.targetState(agent.id, { mode: "full", isOwn: true });

      assert.deepEqual(await version(), before);
    },
  },
  {
    claim: "the target state is the newest live object of each associated stack, highest sequence first",
    async run(world) {
      const { generator, agent, stack } = await world.linked();
      const second = await world.stack(generator);
      await world.store.targets.add(agent.id, second.id);
      await world.submit(second);
      const [newest, replaced] = [await world.submit(stack), await world.submit(second)];

      const state = await world.store.snapshots.targetState(agent.id, { mode: "full", isOwn: true });

      assert.deepEqual(state, [replaced, newest].map(headOf));
      assert.ok((await world.delivery({ agent, stack }))?.deliveredAt);
    },
  },
  {
    claim:
      "the incremental target state leaves out what the agent has reported on, and forgets nothing with its history",
    async run(world) {
      const { agent, stack } = await world.linked();
      const incremental = () => world.store.snapshots.targetState(agent.id, { mode: "incremental", isOwn: true });
      const object = await world.submit(stack);
      assert.deepEqual(await incremental(), [headOf(object)]);

      await world.report({ agent, stack }, { state: "failed" });
      await world.database.sql`delete from agent_events where agent_id = ${agent.id}`;

      assert.deepEqual(await incremental(), []);
      assert.deepEqual(await world.store.snapshots.targetState(agent.id, { mode: "full", isOwn: true }), [
        headOf(object),
      ]);
      const next = await world.submit(stack);
      assert.deepEqual(await incremental(), [headOf(next)]);
    },
  },
];
