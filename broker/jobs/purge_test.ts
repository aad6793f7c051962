import assert from "node:assert/strict";
import { buildWorld } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { openStore } from "../store/open.ts";
import { purgeAgentEvents } from "./purge_agent_events.ts";
import { purgeDeliveries } from "./purge_deliveries.ts";

const { signal } = new AbortController();

Deno.test("the purging jobs", async (t) => {
  await using held = await embeddedDatabase();
  const { sql } = held.database;
  const store = openStore(held.database);
  const { agentId, stackId } = await buildWorld(store);

  await t.step("purge_agent_events deletes what is older than its retention, and nothing else", async () => {
    const job = purgeAgentEvents(store, { retentionDays: 30 });
    await job.runOnce(signal);
    assert.equal((await store.events.list({ agentId })).items.length, 1);

    await sql`update agent_events set created_at = now() - interval '31 days'`;
    await job.runOnce(signal);

    assert.equal((await store.events.list({ agentId })).items.length, 0);
  });

  await t.step("purge_deliveries deletes what has been removed for a day, and nothing else", async () => {
    const job = purgeDeliveries(store);
    await store.stacks.remove(stackId);
    await store.deliveries.report({ agentId, stackId, state: "removed" });
    await job.runOnce(signal);
    assert.equal((await store.deliveries.find(agentId, stackId))?.state, "removed");

    await sql`update deliveries set observed_at = now() - interval '25 hours', updated_at = now() - interval '25 hours'`;
    await job.runOnce(signal);

    assert.equal(await store.deliveries.find(agentId, stackId), undefined);
  });
});
