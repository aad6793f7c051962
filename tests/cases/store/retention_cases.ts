import assert from "node:assert/strict";
import type { DeploymentObject } from "../../../broker/domain/deployment_object.ts";
import type { RetentionStore } from "../../../broker/store/mod.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** What goes with time: bodies of old objects, and what was deleted long ago. */
export const retentionCases: readonly StoreCase[] = [
  {
    claim: "the newest objects of each stack keep their bodies, and so do those that deliveries name",
    async run(world) {
      const linked = await world.applied();
      const submitted: DeploymentObject[] = [linked.object];
      for (let count = 0; count < 5; count += 1) submitted.push(await world.submit(linked.stack));
      const beside = await world.submit(await world.stack());

      await all(({ purgeBodies }) => purgeBodies(2, 1), world);

      const kept = await Promise.all(
        submitted.map(async ({ id }) => (await world.store.objects.get(id)).head.isBodyKept),
      );
      assert.deepEqual(kept, [true, false, false, false, true, true]);
      const { head: gone } = await world.store.objects.get(submitted[1]?.id ?? "");
      assert.deepEqual([gone.sizeBytes, gone.yamlChecksum], [0, submitted[1]?.yamlChecksum]);
      assert.equal((await world.store.objects.get(beside.id)).head.isBodyKept, true);
      assert.deepEqual((await world.poll(linked.agent)).map(({ object }) => object?.sizeBytes), [
        "apiVersion: v1".length,
      ]);
    },
  },
  {
    claim: "a stack is purged 30 days after its deletion with all that is of it, once no living agent has it",
    async run(world) {
      const [waiting, over, left, young] = await Promise.all([1, 2, 3, 4].map(() => world.applied()));
      assert.ok(waiting && over && left && young);
      const keyed = { stackId: over.stack.id, yamlContent: "", yamlChecksum: world.hash(), isDeletionMarker: false };
      await world.store.objects.submit({ ...keyed, idempotency: { caller: "admin", key: "1" } });
      for (const { stack } of [waiting, over, left, young]) await world.store.stacks.remove(stack.id);
      await world.report(over, { state: "removed" });
      await world.report(young, { state: "removed" });
      await world.store.agents.remove(left.agent.id);
      await aged(world, "stacks", [waiting.stack.id, over.stack.id, left.stack.id]);

      await all(({ purgeStacks }) => purgeStacks(1), world);

      const found = (id: string) => world.database.sql`select id from stacks where id = ${id}`;
      const counts = await Promise.all(
        [waiting, over, left, young].map(async ({ stack }) => (await found(stack.id)).length),
      );
      assert.deepEqual(counts, [1, 0, 0, 1]);
      assert.deepEqual((await world.store.events.list({ agentId: over.agent.id })).items, []);
      assert.equal(await world.state(waiting), "terminating");
    },
  },
  {
    claim: "an agent is purged 30 days after its deletion with all that is of it",
    async run(world) {
      const [over, young] = [await world.applied(), await world.applied()];
      await world.store.agents.heartbeat(over.agent.id, {});
      for (const { agent } of [over, young]) await world.store.agents.remove(agent.id);
      await aged(world, "agents", [over.agent.id]);

      await all(({ purgeAgents }) => purgeAgents(1), world);

      const ids = [over.agent.id, young.agent.id];
      const left = await world.database.sql<{ id: string }>`select id from agents where id = any(${ids})`;
      assert.deepEqual(left.map(({ id }) => id), [young.agent.id]);
      assert.deepEqual((await world.store.registrations.listByGenerator(over.generator.id)).items, []);
      assert.equal((await world.store.events.list({ agentId: young.agent.id })).items.length, 1);
      const counts = await world.database.sql`select state from agent_delivery_counts where agent_id = any(${ids})`;
      assert.equal(counts.length, 0);
    },
  },
  {
    claim: "every foreign key to what is purged has an index that begins with it, and leaves out no row but null",
    async run({ database: { sql } }) {
      const bare = await sql<{ name: string }>`
        select key.conname as name from pg_constraint key
        where key.contype = 'f' and key.connamespace = current_schema()::regnamespace
          and key.confrelid::regclass::text in ('stacks', 'agents', 'deployment_objects')
          and not exists (
            select from pg_index index
            where index.indrelid = key.conrelid and index.indkey[0] = key.conkey[1]
              and (index.indpred is null or pg_get_expr(index.indpred, index.indrelid) like '(% IS NOT NULL)'))`;

      assert.deepEqual(Array.from(bare, ({ name }) => name), []);
    },
  },
];

/** As the job does it: part after part, until nothing is left. */
async function all(purge: (retention: RetentionStore) => Promise<boolean>, { store }: StoreWorld): Promise<void> {
  for (let hasMore = true; hasMore;) {
    await store.transaction(async ({ retention }) => {
      hasMore = await purge(retention);
    });
  }
}

async function aged({ database: { sql } }: StoreWorld, table: "stacks" | "agents", ids: readonly string[]) {
  const before = sql.fragment`set deleted_at = now() - interval '31 days' where id = any(${ids})`;
  if (table === "stacks") await sql`update stacks ${before}`;
  else await sql`update agents ${before}`;
}
