import assert from "node:assert/strict";
import type { DeliveryStage } from "../../../broker/domain/delivery_times.ts";
import type { Linked, StoreCase, StoreWorld } from "./store_world.ts";

/** Seconds beside which what a case itself takes is nothing. */
const LONG = 10_000;

/** What is told of the time that deliveries take: each stage once an object, from when it was desired. */
export const timesCases: readonly StoreCase[] = [
  {
    claim:
      "a delivery is timed once when the agent is told, and once when it says that it applied, whatever it repeats",
    async run(world) {
      const linked = await desired(world, { secondsAgo: LONG });
      const bootId = crypto.randomUUID();

      await world.poll(linked.agent);
      await world.poll(linked.agent);
      await world.report(linked, { state: "applying" });
      await world.report(linked, { state: "failed" });
      await world.report(linked, { state: "applied", bootId, seq: 1 });
      await world.report(linked, { state: "applied", bootId, seq: 1 });
      await world.report(linked, { state: "failed" });
      await world.report(linked, { state: "applied", bootId, seq: 2 });

      assert.deepEqual(rounded(world), [["delivered", LONG], ["applied", LONG]]);
    },
  },
  {
    claim: "a delivery is timed once when it is healthy for the first time, however often it is",
    async run(world) {
      const linked = await desired(world, { secondsAgo: LONG });
      const at = Date.now();
      const statuses = ["progressing", "healthy", "degraded", "healthy"] as const;

      for (const [index, status] of statuses.entries()) {
        await world.report(linked, { state: "applied", health: { status, at: new Date(at + index) } });
      }

      assert.deepEqual(rounded(world), [["delivered", LONG], ["applied", LONG], ["healthy", LONG]]);
    },
  },
  {
    claim: "the next object of a stack is timed anew",
    async run(world) {
      const linked = await world.applied();
      await desiredFor(world, linked, LONG);
      world.observed.length = 0;

      await world.submit(linked.stack);
      await world.poll(linked.agent);
      await world.report(linked, { state: "applied" });

      assert.deepEqual(rounded(world), [["delivered", 0], ["applied", 0]]);
    },
  },
  {
    claim: "an agent of old that reads its target state is told as well; the admin who looks is not",
    async run(world) {
      const linked = await desired(world, { secondsAgo: LONG });
      const { snapshots } = world.store;

      await snapshots.read(linked.agent.id, { isOwn: false });
      await snapshots.targetState(linked.agent.id, { mode: "full", isOwn: false });
      assert.deepEqual(world.observed, []);
      await snapshots.targetState(linked.agent.id, { mode: "incremental", isOwn: true });
      await snapshots.targetState(linked.agent.id, { mode: "full", isOwn: true });

      assert.deepEqual(rounded(world), [["delivered", LONG]]);
    },
  },
  {
    claim: "an object that was applied was delivered, though no poll of it was seen",
    async run(world) {
      const linked = await desired(world, { secondsAgo: LONG });

      await world.report(linked, { state: "applied" });

      assert.deepEqual(rounded(world), [["delivered", LONG], ["applied", LONG]]);
    },
  },
  {
    claim: "a report on another object than the desired one, and one that something is removed, time nothing",
    async run(world) {
      const linked = await world.linked();
      const old = await world.submit(linked.stack);
      await world.submit(linked.stack);
      await world.report(linked, { state: "applied", objectId: old.id });
      const gone = await world.applied();
      await world.store.stacks.remove(gone.stack.id);
      world.observed.length = 0;

      await world.report(gone, { state: "failed" });
      await world.report(gone, { state: "removed" });

      assert.deepEqual(world.observed, []);
    },
  },
  {
    claim: "what is undone is not timed, and what is part of something larger only once that is lasting",
    async run(world) {
      const linked = await desired(world, { secondsAgo: LONG });
      const atWork = async ({ store }: Pick<StoreWorld, "store">) => {
        await store.snapshots.read(linked.agent.id, { isOwn: true });
        await store.deliveries.report({ agentId: linked.agent.id, stackId: linked.stack.id, state: "applied" });
        assert.deepEqual(world.observed, []);
      };

      await assert.rejects(world.store.transaction(async (store) => {
        await atWork({ store });
        throw new Error("undone");
      }));
      assert.deepEqual(world.observed, []);
      await world.store.transaction((store) => store.transaction((inner) => atWork({ store: inner })));

      assert.deepEqual(rounded(world), [["delivered", LONG], ["applied", LONG]]);
    },
  },
];

/** A linked pair whose object has been desired for so many seconds. */
async function desired(world: StoreWorld, { secondsAgo }: { readonly secondsAgo: number }): Promise<Linked> {
  const linked = await world.linked();
  await world.submit(linked.stack);
  await desiredFor(world, linked, secondsAgo);
  return linked;
}

async function desiredFor({ database: { sql } }: StoreWorld, { agent }: Linked, seconds: number): Promise<void> {
  await sql`update deliveries set desired_at = now() - make_interval(secs => ${seconds}) where agent_id = ${agent.id}`;
}

/** Each stage with its time to {@linkcode LONG}: what the case itself takes does not matter. */
function rounded({ observed }: StoreWorld): [DeliveryStage, number][] {
  return observed.map(({ stage, seconds }) => [stage, Math.round(seconds / LONG) * LONG]);
}
