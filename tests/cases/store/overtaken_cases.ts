import assert from "node:assert/strict";
import type { StoreCase } from "./store_world.ts";

/** What a report does that comes after a later one. */
export const overtakenCases: readonly StoreCase[] = [
  {
    claim: "a report that comes after a later one of the same start and stack leaves an event, and moves nothing",
    async run(world) {
      const linked = await world.linked();
      const beside = { ...linked, stack: await world.stack(linked.generator) };
      await world.store.targets.add(linked.agent.id, beside.stack.id);
      await world.submit(linked.stack);
      await world.submit(beside.stack);
      const bootId = crypto.randomUUID();

      await world.report(linked, { state: "applied", bootId, seq: 8 });
      const late = await world.report(linked, { state: "failed", bootId, seq: 7 });
      await world.report(beside, { state: "failed", bootId, seq: 6 });
      const states = [await world.state(linked), await world.state(beside)];
      await world.report(linked, { state: "failed", bootId: crypto.randomUUID(), seq: 1 });
      states.push(await world.state(linked));

      assert.deepEqual([late.event?.status, late.change], ["FAILURE", undefined]);
      assert.deepEqual(states, ["applied", "failed", "failed"]);
    },
  },
  {
    claim:
      "a report that was overtaken moves nothing, whatever is kept of the history, and whether or not it is an event",
    async run(world) {
      const linked = await world.applied();
      const bootId = crypto.randomUUID();
      await world.report(linked, { state: "failed", reason: "apply_failed", bootId, seq: 3 });
      await world.database.sql`delete from agent_events where agent_id = ${linked.agent.id}`;
      const before = await world.delivery(linked);

      await world.report(linked, { state: "applied", bootId, seq: 2 });
      await world.report(linked, { state: "applying", bootId, seq: 3 });
      const still = await world.delivery(linked);
      await world.report(linked, { state: "applied", bootId: crypto.randomUUID(), seq: 1 });

      assert.deepEqual(still, before);
      assert.equal(await world.state(linked), "applied");
    },
  },
  {
    claim: "a report that another overtook at a broker of 0.10.0, which notes it as an event alone, moves nothing",
    async run(world) {
      const [linked, other] = [await world.applied(), await world.applied()];
      const bootId = crypto.randomUUID();
      await world.report(linked, { state: "failed", reason: "apply_failed", bootId, seq: 3 });
      const heardThere = world.database.sql.fragment`last_boot_id = null, last_seq = null`;
      await world.database.sql`update deliveries set ${heardThere} where agent_id = ${linked.agent.id}`;

      await world.report(linked, { state: "applied", bootId, seq: 2 });
      const still = await world.state(linked);
      await world.report(linked, { state: "applied", bootId, seq: 4 });
      await world.report(other, { state: "failed", bootId, seq: 1 });

      assert.deepEqual([still, await world.state(linked), await world.state(other)], ["failed", "applied", "failed"]);
    },
  },
];
