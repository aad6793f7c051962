import assert from "node:assert/strict";
import type { Submission } from "../../../broker/domain/deployment_object.ts";
import type { Stack } from "../../../broker/domain/stack.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** What a submission that comes again does: the tables `deployment_objects` and `idempotency_keys`. */
export const submissionsCases: readonly StoreCase[] = [
  {
    claim: "a submission that is the same as the newest object is that object: nothing is written, nobody is told",
    async run(world) {
      const { agent, stack } = await world.linked();
      const say = submitter(world, stack);
      const checksum = world.hash();
      const first = await say({ yamlChecksum: checksum });
      await world.poll(agent);

      const raised = await world.raised(agent, async () => {
        assert.deepEqual(await say({ yamlChecksum: checksum }), { object: first.object, isUnchanged: true });
      });

      assert.deepEqual([first.isUnchanged, raised], [false, 0]);
      assert.equal((await world.store.objects.list(stack.id)).items.length, 1);
      const lines = await world.database.sql`select id from settle_lines where stack_id = ${stack.id}`;
      assert.equal(lines.length, 0);
    },
  },
  {
    claim: "what is the same as an older object, a marker with the content of an object or another stack's is new",
    async run(world) {
      const say = submitter(world, await world.stack());
      const [one, two] = [world.hash(), world.hash()];

      const outcomes = [
        await say({ yamlChecksum: one }),
        await say({ yamlChecksum: two }),
        await say({ yamlChecksum: one }),
        await say({ yamlChecksum: one, isDeletionMarker: true }),
        await say({ yamlChecksum: one, isDeletionMarker: true }),
        await submitter(world, await world.stack())({ yamlChecksum: one }),
      ];

      assert.deepEqual(outcomes.map(({ isUnchanged }) => isUnchanged), [false, false, false, false, true, false]);
    },
  },
  {
    claim:
      "a submission with a key is the object of its first time, whatever came since; with another body it is refused",
    async run(world) {
      const say = submitter(world, await world.stack());
      const idempotency = { caller: "generator a", key: "run-1" };
      const [one, two] = [world.hash(), world.hash()];
      const first = await say({ yamlChecksum: one, idempotency });
      await say({ yamlChecksum: two });

      const again = await say({ yamlChecksum: one, idempotency });
      const another = { code: "invalid_request_body", message: new RegExp(first.object.id) };

      assert.deepEqual(again, { object: first.object, isUnchanged: true });
      await assert.rejects(say({ yamlChecksum: two, idempotency }), another);
      await assert.rejects(say({ yamlChecksum: one, isDeletionMarker: true, idempotency }), another);
    },
  },
  {
    claim: "a key is its caller's and its stack's; one that stood for the newest object stands for it later too",
    async run(world) {
      const say = submitter(world, await world.stack());
      const elsewhere = submitter(world, await world.stack());
      const key = "run-1";
      const [one, two] = [world.hash(), world.hash()];
      const mine = { yamlChecksum: one, idempotency: { caller: "generator a", key } };
      const theirs = { caller: "generator b", key };
      const first = await say({ yamlChecksum: one });

      const outcomes = [
        await say(mine),
        await say({ yamlChecksum: two, idempotency: theirs }),
        await elsewhere({ yamlChecksum: two, idempotency: mine.idempotency }),
      ];

      assert.deepEqual(outcomes.map(({ isUnchanged }) => isUnchanged), [true, false, false]);
      assert.deepEqual(await say(mine), { object: first.object, isUnchanged: true });
    },
  },
  {
    claim: "a key is over after 24 hours, is purged then, and may come again with another body",
    async run(world) {
      const { database: { sql }, store: { objects } } = world;
      const stack = await world.stack();
      const say = submitter(world, stack);
      const keyed = (key: string) => ({ yamlChecksum: world.hash(), idempotency: { caller: "admin", key } });
      for (const key of ["over", "again", "fresh"]) await say(keyed(key));
      await sql`
        update idempotency_keys set created_at = now() - interval '24 hours'
        where stack_id = ${stack.id} and key <> 'fresh'`;

      const again = await say(keyed("again"));
      while (await objects.purgeKeys(1) > 0);

      const kept = await sql<{ key: string }>`
        select key from idempotency_keys where stack_id = ${stack.id} order by key`;
      assert.equal(again.isUnchanged, false);
      assert.deepEqual(kept.map(({ key }) => key), ["again", "fresh"]);
    },
  },
];

function submitter({ store }: StoreWorld, stack: Stack) {
  const usual = { stackId: stack.id, yamlContent: "apiVersion: v1", isDeletionMarker: false };
  return (submission: Pick<Submission, "yamlChecksum"> & Partial<Submission>) =>
    store.objects.submit({ ...usual, ...submission });
}
