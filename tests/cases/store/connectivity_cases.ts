import assert from "node:assert/strict";
import { LIMITS, type StoreCase, type StoreWorld } from "./store_world.ts";

/** What is noted of how connected agents are; others' changes are noted before. */
export const connectivityCases: readonly StoreCase[] = [
  {
    claim: "each change of how connected an agent is, is noted once: the first sign of life, late, lost and back",
    async run(world) {
      const note = () => world.store.connectivity.note(LIMITS);
      const { id } = await world.agent();
      await note();

      assert.deepEqual(await note(), {});
      await world.store.agents.heartbeat(id, {});
      assert.deepEqual([await note(), await note()], [{ connected: 1 }, {}]);
      await silent(world, id, LIMITS.lateAfterSeconds / 2);
      assert.deepEqual(await note(), {});
      await silent(world, id, LIMITS.lateAfterSeconds);
      assert.deepEqual(await note(), { late: 1 });
      await silent(world, id, LIMITS.lostAfterSeconds);
      assert.deepEqual([await note(), await note()], [{ lost: 1 }, {}]);
      await world.store.agents.heartbeat(id, {});
      assert.deepEqual(await note(), { connected: 1 });
    },
  },
  {
    claim: "two replicas that note at once note each change once",
    async run(world) {
      await world.store.connectivity.note(LIMITS);
      for (let at = 0; at < 5; at += 1) await world.store.agents.heartbeat((await world.agent()).id, {});

      const [first, second] = await Promise.all([0, 1].map(() => world.store.connectivity.note(LIMITS)));

      assert.equal((first?.connected ?? 0) + (second?.connected ?? 0), 5);
    },
  },
  {
    claim: "an agent that is deleted becomes nothing any more",
    async run(world) {
      const { id } = await world.agent();
      await world.store.agents.heartbeat(id, {});
      await world.store.connectivity.note(LIMITS);
      await silent(world, id, 2 * LIMITS.lostAfterSeconds);
      await world.store.agents.remove(id);

      assert.deepEqual(await world.store.connectivity.note(LIMITS), {});
    },
  },
];

async function silent({ database }: StoreWorld, agentId: string, seconds: number): Promise<void> {
  await database.sql`
    update agent_heartbeats set last_heartbeat = now() - make_interval(secs => ${seconds}) where agent_id = ${agentId}`;
}
