import assert from "node:assert/strict";
import { buildWorld, CONFIG_MAP, type World } from "../../fakes/api_world.ts";
import { ask, samples, startedBroker, untilShown } from "../../fakes/brokers.ts";
import { open, postgresDatabase, type TestDatabase } from "../../fakes/databases.ts";
import { testWith } from "../../run/parts.ts";
import type { Broker } from "../../../broker/broker.ts";
import { openStore } from "../../../broker/store/open.ts";

const HELD = "brokkr_http_held_requests";
const ENDPOINT = 'method="GET",endpoint="/api/v1/agents/:id/changes"';

testWith("postgres", "changes: an agent that waits hears of them at once", async (t) => {
  await using postgres = await postgresDatabase();
  const world = await buildWorld(openStore(postgres.database));
  const parts = { openDatabase: () => open(postgres.address) };
  const hold = (broker: Broker, waitSeconds = 55) => holdRequest({ broker, postgres, world }, waitSeconds);
  await using near = await startedBroker(parts);
  await using far = await startedBroker(parts);

  await t.step("from whichever replica takes the change", async () => {
    const waited = hold(near);
    await untilShown(near, HELD, 1);

    const submitted = await ask(far, `/api/v1/stacks/${world.stackId}/deployment-objects`, {
      method: "POST",
      headers: { authorization: world.keys.generator, "content-type": "application/yaml" },
      body: CONFIG_MAP.replace("settings", "other"),
    });

    assert.equal(submitted.status, 201);
    assert.deepEqual(await waited, [200, { revision: await revision(postgres, world) }, null]);
  });

  await t.step("of what a person changes for it alone", async () => {
    const waited = hold(near);
    await untilShown(near, HELD, 1);

    await ask(far, `/api/v1/agents/${world.agentId}`, {
      method: "PUT",
      headers: { authorization: world.keys.admin, "content-type": "application/json" },
      body: JSON.stringify({ status: "ACTIVE" }),
    });

    assert.deepEqual(await waited, [200, { revision: await revision(postgres, world) }, null]);
  });

  await t.step("and of what it missed while nothing could be heard, once that is over", async () => {
    const waited = hold(near);
    await untilShown(near, HELD, 1);

    await postgres.database.sql`update agents set revision = revision + 1 where id = ${world.agentId}`;
    await postgres.database.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and query ~ '^(listen |notify "brokkr_echo_)'`;

    assert.deepEqual(await waited, [200, { revision: await revision(postgres, world) }, null]);
  });

  await t.step("and nothing when nothing changed", async () => {
    assert.deepEqual(await hold(near, 1), [204, undefined, null]);
  });

  await t.step("all of which is counted and not timed", async () => {
    const page = await samples(near);
    const counted = [...page].filter(([series, value]) => series.includes(ENDPOINT) && value > 0);
    assert.deepEqual(counted.map(([series, value]) => `${series} ${value}`), [
      `brokkr_http_requests_total{${ENDPOINT},status="200"} 3`,
      `brokkr_http_requests_total{${ENDPOINT},status="204"} 1`,
    ]);
    assert.equal(page.get(HELD), 0);
  });

  await t.step("and a broker that stops answers at once, and says when to ask again", async () => {
    const stopping = await startedBroker(parts);
    const waited = hold(stopping);
    await untilShown(stopping, HELD, 1);

    await stopping.stop();

    const [status, body, retryAfter] = await waited;
    assert.deepEqual([status, body], [204, undefined]);
    assert.ok(Number(retryAfter) >= 1 && Number(retryAfter) <= 10, `Retry-After: ${retryAfter}`);
  });
});

/** A held request that knows the agent's revision: the status, the body, and how long to stay away. */
async function holdRequest({ broker, postgres, world }: Holding, waitSeconds: number) {
  const since = await revision(postgres, world);
  const answer = await ask(broker, `/api/v1/agents/${world.agentId}/changes?since=${since}&wait=${waitSeconds}`, {
    headers: { authorization: world.keys.agent },
  });
  const body = answer.body_text === "" ? undefined : JSON.parse(answer.body_text);
  return [answer.status, body, answer.headers.get("retry-after")] as const;
}

interface Holding {
  readonly broker: Broker;
  readonly postgres: TestDatabase;
  readonly world: World;
}

async function revision({ database }: TestDatabase, { agentId }: World): Promise<number> {
  const [row] = await database.sql<{ revision: number }>`select revision from agents where id = ${agentId}`;
  return row?.revision ?? NaN;
}
