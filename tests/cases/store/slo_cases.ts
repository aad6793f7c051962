import assert from "node:assert/strict";
import type { Health } from "../../../broker/domain/delivery.ts";
import type { SloTurn } from "../../../broker/store/slo.ts";
import type { Linked, StoreCase, StoreWorld } from "./store_world.ts";

const SLO_SECONDS = 300;
const HEALTHY: Health = { status: "healthy", at: new Date() };
const PROGRESSING: Health = { status: "progressing", at: new Date() };

const CASES: readonly StoreCase[] = [
  {
    claim: "a delivery that is healthy in time is counted at once, one that is not when its time is over; each once",
    async run(world) {
      const [healthy, late, early] = [await desired(world), await desired(world), await desired(world)];
      await world.report(healthy, { state: "applied", health: HEALTHY });
      for (const one of [late, early]) await world.report(one, { state: "applied", health: PROGRESSING });
      await age(world, late, SLO_SECONDS);
      await age(world, early, SLO_SECONDS / 2);

      assert.deepEqual(await decide(world), { decided: 2, counted: { in_time: 1, late: 1 } });
      await world.report(late, { state: "applied", health: { ...HEALTHY, at: new Date(Date.now() + 1_000) } });
      assert.deepEqual(await decide(world), { decided: 0, counted: {} });
    },
  },
  {
    claim:
      "a delivery that was healthy in time is in time however late it is looked at, one that was healthy too late is not",
    async run(world) {
      for (const [desiredAgo, healthyAgo] of [[3_600, 3_450], [3_600, 3_150]] as const) {
        const linked = await desired(world);
        await world.report(linked, { state: "applied", health: HEALTHY });
        await age(world, linked, desiredAgo);
        await world.database.sql`
          update deliveries set healthy_at = now() - make_interval(secs => ${healthyAgo})
          where agent_id = ${linked.agent.id}`;
      }

      assert.deepEqual(await decide(world), { decided: 2, counted: { in_time: 1, late: 1 } });
    },
  },
  {
    claim: "of an agent that reports no health it counts when it was applied",
    async run(world) {
      const [applied, waiting] = [await desired(world), await desired(world)];
      await world.report(applied, { state: "applied" });
      await age(world, applied, SLO_SECONDS);
      await age(world, waiting, SLO_SECONDS);
      await world.database.sql`
        update deliveries set applied_at = desired_at + interval '1 minute' where agent_id = ${applied.agent.id}`;

      assert.deepEqual(await decide(world), { decided: 2, counted: { in_time: 1, late: 1 } });
    },
  },
  {
    claim: "an agent that reports the health of others, and of this one not yet, is late with it",
    async run(world) {
      const linked = await desired(world);
      const other = await world.stack(linked.generator);
      await world.store.targets.add(linked.agent.id, other.id);
      await world.submit(other);
      await world.report({ agent: linked.agent, stack: other }, { state: "applied", health: PROGRESSING });
      await world.report(linked, { state: "applied" });
      await age(world, linked, SLO_SECONDS);
      await world.database.sql`
        update deliveries set applied_at = desired_at + interval '1 minute' where agent_id = ${linked.agent.id}`;

      assert.deepEqual(await decide(world), { decided: 2, counted: { late: 2 } });
    },
  },
  {
    claim: "an object that is desired after one that was counted is counted too, though a broker of 0.10.0 took it",
    async run(world) {
      const linked = await desired(world);
      await world.report(linked, { state: "applied", health: HEALTHY });
      await decide(world);
      const next = await world.submit(linked.stack);
      await age(world, linked, SLO_SECONDS);
      await world.database.sql`
        update deliveries set slo_counted_at = now() - interval '1 h', healthy_at = now() - interval '1 h'
        where agent_id = ${linked.agent.id}`;

      assert.equal((await world.delivery(linked))?.desiredObjectId, next.id);
      assert.deepEqual(await decide(world), { decided: 1, counted: { late: 1 } });
    },
  },
  {
    claim: "agents that are not active, suspended stacks and what is withdrawn are not counted, before or later",
    async run(world) {
      const [inactive, suspended, withdrawn] = [await desired(world), await desired(world), await desired(world)];
      await world.poll(withdrawn.agent);
      await world.store.agents.change(inactive.agent.id, { status: "INACTIVE" });
      await world.database.sql`update stacks set suspended = true where id = ${suspended.stack.id}`;
      await world.store.targets.remove(withdrawn.agent.id, withdrawn.stack.id);
      for (const one of [inactive, suspended, withdrawn]) await age(world, one, SLO_SECONDS);

      assert.deepEqual((await decide(world)).counted, {});
      await world.store.agents.change(inactive.agent.id, { status: "ACTIVE" });
      await world.database.sql`update stacks set suspended = false where id = ${suspended.stack.id}`;
      assert.deepEqual(await decide(world), { decided: 0, counted: {} });
    },
  },
  {
    claim: "two replicas that decide at once count each delivery once, and none waits for what another decides",
    async run(world) {
      for (let at = 0; at < 5; at += 1) await age(world, await desired(world), SLO_SECONDS);

      const [first, second] = await Promise.all([decide(world), decide(world)]);

      assert.equal((first?.counted.late ?? 0) + (second?.counted.late ?? 0), 5);
    },
  },
  {
    claim: "a turn decides as many as it is asked to",
    async run(world) {
      for (let at = 0; at < 3; at += 1) await age(world, await desired(world), SLO_SECONDS);

      const turns = [await world.store.slo.decide(SLO_SECONDS, 2), await world.store.slo.decide(SLO_SECONDS, 2)];

      assert.deepEqual(turns.map(({ decided }) => decided), [2, 1]);
    },
  },
];

/** The objective of how long deliveries take; what other cases left behind is decided before. */
export const sloCases: readonly StoreCase[] = CASES.map(({ claim, run }) => ({
  claim,
  async run(world) {
    while ((await decide(world)).decided > 0);
    await run(world);
  },
}));

/** A linked pair of an active agent with an object. */
async function desired(world: StoreWorld): Promise<Linked> {
  const linked = await world.linked();
  await world.store.agents.change(linked.agent.id, { status: "ACTIVE" });
  await world.submit(linked.stack);
  return linked;
}

/** Its object has been desired for so many seconds. */
async function age({ database: { sql } }: StoreWorld, { agent }: Linked, seconds: number): Promise<void> {
  await sql`update deliveries set desired_at = now() - make_interval(secs => ${seconds}) where agent_id = ${agent.id}`;
}

async function decide({ store }: StoreWorld): Promise<SloTurn> {
  return await store.slo.decide(SLO_SECONDS, 1_000);
}
