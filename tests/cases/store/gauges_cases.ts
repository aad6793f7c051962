import assert from "node:assert/strict";
import type { StoreGauges } from "../../../broker/domain/gauges.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

const LIMITS = { lateAfterSeconds: 60, lostAfterSeconds: 300 };

/** What the gauges of the store count, whatever other cases left behind. */
export const gaugesCases: readonly StoreCase[] = [
  {
    claim: "gauges tell active agents by the age of their heartbeat: late and lost from the very limit on",
    async run(world) {
      const grown = await growth(world, async () => {
        await heard(world, undefined);
        await heard(world, 30);
        await heard(world, 60);
        await heard(world, 299 - 5);
        await heard(world, 300);
        await heard(world, 100, { status: "INACTIVE" });
        await world.store.agents.remove((await heard(world, 100)).id);
      });

      assert.deepEqual(grown.agents, { connected: 1, late: 2, lost: 1, never: 1 });
      assert.equal(grown.activeAgents, 4);
    },
  },
  {
    claim: "gauges count deliveries by state, each state alone",
    async run(world) {
      const grown = await growth(world, async () => {
        for (const state of ["applying", "applied", "failed", "blocked"] as const) {
          const linked = await world.linked();
          await world.submit(linked.stack);
          await world.report(linked, { state });
        }
        await world.submit((await world.linked()).stack);
        const [going, gone] = [await world.applied(), await world.applied()];
        for (const { agent, stack } of [going, gone]) await world.store.targets.remove(agent.id, stack.id);
        await world.report(gone, { state: "removed" });
      });

      assert.deepEqual(grown.deliveries, {
        pending: 1,
        applying: 1,
        applied: 1,
        failed: 1,
        blocked: 1,
        terminating: 1,
        removed: 1,
      });
    },
  },
  {
    claim: "gauges give the age of the oldest pending delivery to an active agent, since it was desired",
    async run(world) {
      const { sql } = world.database;
      const [active, paused, applied] = [await world.linked(), await world.linked(), await world.applied()];
      for (const { stack } of [active, paused]) await world.submit(stack);
      for (const { agent } of [active, applied]) await world.store.agents.change(agent.id, { status: "ACTIVE" });
      await sql`update deliveries set desired_at = now() - interval '2 h' where agent_id = ${active.agent.id}`;
      await sql`
        update deliveries set desired_at = now() - interval '3 h'
        where agent_id in (${paused.agent.id}, ${applied.agent.id})`;

      const { oldestPendingAgeSeconds } = await world.store.gauges.read(LIMITS);
      await world.report(active, { state: "applied" });
      const after = await world.store.gauges.read(LIMITS);

      assert.ok(Math.abs(oldestPendingAgeSeconds - 7_200) < 60, `${oldestPendingAgeSeconds}`);
      assert.ok(after.oldestPendingAgeSeconds < 7_000, `${after.oldestPendingAgeSeconds}`);
    },
  },
];

type Counts = Pick<StoreGauges, "activeAgents" | "agents" | "deliveries">;

/** By how much `work` raises each count. */
async function growth({ store }: StoreWorld, work: () => Promise<void>): Promise<Counts> {
  const before = await store.gauges.read(LIMITS);
  await work();
  const after = await store.gauges.read(LIMITS);
  return {
    activeAgents: after.activeAgents - before.activeAgents,
    agents: difference(after.agents, before.agents),
    deliveries: difference(after.deliveries, before.deliveries),
  };
}

function difference<Key extends string>(
  after: Readonly<Record<Key, number>>,
  before: Readonly<Record<Key, number>>,
): Record<Key, number> {
  const keys = Object.keys(after) as Key[];
  return Object.fromEntries(keys.map((key) => [key, after[key] - before[key]])) as Record<Key, number>;
}

/** An agent whose last heartbeat is so many seconds old. */
async function heard(
  world: StoreWorld,
  secondsAgo: number | undefined,
  { status = "ACTIVE" }: { readonly status?: "ACTIVE" | "INACTIVE" } = {},
) {
  const agent = await world.agent();
  await world.store.agents.change(agent.id, { status });
  if (secondsAgo !== undefined) {
    await world.store.agents.heartbeat(agent.id, {});
    await world.database.sql`
      update agent_heartbeats set last_heartbeat = now() - make_interval(secs => ${secondsAgo})
      where agent_id = ${agent.id}`;
  }
  return agent;
}
