import assert from "node:assert/strict";
import { buildWorld } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import type { AgentEventStore, Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";
import { purgeAgentEvents, purgeDeliveries, purgeExpired } from "./purges.ts";

const { signal } = new AbortController();

/** The store while another replica is at every job: the embedded database has one connection, and so no other. */
function taken(store: Store): Store {
  return { ...store, exclusively: () => Promise.resolve(false) };
}

Deno.test("the purging jobs", async (t) => {
  await using held = await embeddedDatabase();
  const { sql } = held.database;
  const store = openStore(held.database);
  const { agentId, stackId, objectId } = await buildWorld(store);

  await t.step("purge_agent_events deletes what is older than its retention, and nothing else", async () => {
    const job = purgeAgentEvents(store, { retentionDays: 30 });
    assert.equal(await job.runOnce(signal), "success");
    assert.equal((await store.events.list({ agentId })).items.length, 1);

    await sql`update agent_events set created_at = now() - interval '31 days'`;
    await job.runOnce(signal);

    assert.equal((await store.events.list({ agentId })).items.length, 0);
  });

  await t.step("purge_agent_events deletes a thousand at a time, until there are none", async () => {
    await sql`
      insert into agent_events (agent_id, deployment_object_id, event_type, status, created_at)
      select ${agentId}, ${objectId}, 'DEPLOY', 'SUCCESS', now() - interval '31 days' from generate_series(1, 2500)`;
    const purged: number[] = [];
    const noting: Store = {
      ...store,
      exclusively: (job, work) =>
        store.exclusively(job, (inside) => work({ ...inside, events: noted(inside.events, purged) })),
    };

    await purgeAgentEvents(noting, { retentionDays: 30 }).runOnce(signal);

    assert.deepEqual(purged, [1_000, 1_000, 500]);
  });

  await t.step("a purging job that another replica is at is skipped, and deletes nothing", async () => {
    const other = taken(store);
    const jobs = [
      purgeAgentEvents(other, { retentionDays: 30 }),
      purgeDeliveries(other),
      purgeExpired(other, { objectsKept: 20 }),
    ];

    const results = await Promise.all(jobs.map((job) => job.runOnce(signal)));

    assert.deepEqual(results, ["skipped", "skipped", "skipped"]);
  });

  await t.step("purge_agent_events that another replica goes on with has succeeded", async () => {
    let isTaken = false;
    const once: Store = {
      ...store,
      async exclusively(_, work) {
        if (isTaken) return false;
        isTaken = true;
        await work({ ...store, events: { ...store.events, purge: (_, max) => Promise.resolve(max) } });
        return true;
      },
    };

    assert.equal(await purgeAgentEvents(once, { retentionDays: 30 }).runOnce(signal), "success");
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

Deno.test("purge_expired deletes idempotency keys that are over, and nothing else", async () => {
  await using held = await embeddedDatabase();
  const { sql } = held.database;
  const store = openStore(held.database);
  const { stackId } = await buildWorld(store);

  const submission = { stackId, yamlContent: "", isDeletionMarker: false };
  for (const key of ["over", "fresh"]) {
    const idempotency = { caller: "admin", key };
    await store.objects.submit({ ...submission, yamlChecksum: key.length.toString().repeat(64), idempotency });
  }
  await sql`update idempotency_keys set created_at = now() - interval '24 hours' where key = 'over'`;

  assert.equal(await purgeExpired(store, { objectsKept: 20 }).runOnce(signal), "success");

  const kept = await sql<{ key: string }>`select key from idempotency_keys`;
  assert.deepEqual(kept.map(({ key }) => key), ["fresh"]);
});

/** The same events, which notes how many it deletes at a time. */
function noted(events: AgentEventStore, purged: number[]): AgentEventStore {
  return {
    ...events,
    async purge(retentionDays, max) {
      const count = await events.purge(retentionDays, max);
      purged.push(count);
      return count;
    },
  };
}
