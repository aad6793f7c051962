import assert from "node:assert/strict";
import { z } from "zod";
import { DeploymentObject } from "$lib/wire/stack.ts";
import { type Crowd, makeCrowd } from "../bench/crowd.ts";
import { startFleet } from "../bench/fleet/fleet.ts";
import { untilReported } from "../bench/fleet/world.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { configMap } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

/** More than are settled in one transaction, and than may be woken at once; beside them there is a real agent. */
const LIGHT_AGENTS = 450;
/** Nobody polls meanwhile: what agents hear of they were told. */
const HOUR_SECONDS = 3_600;

story(
  "29: a submission to all agents delays no heartbeat, the last one is told, a broker that restarts has all of them back",
  [["postgres"]],
  async (parts) => {
    await using world = await openWorld({ parts, agentSettings: { AGENT__POLLING_INTERVAL: String(HOUR_SECONDS) } });
    const postgres = world.servers.postgres ?? assert.fail("there is no server");
    const crowd = await makeCrowd(postgres, postgres, LIGHT_AGENTS);
    const first = await submit(world, crowd, "first");
    await using fleet = startFleet({
      agents: crowd.agents.map((agent) => ({ ...agent, url: world.broker.url })),
      ...{ pollEveryMs: HOUR_SECONDS * 1_000, heartbeatEveryMs: 5_000, hasPush: true },
    });
    await untilReported(fleet, LIGHT_AGENTS);
    await untilAppliedByAll(postgres, first);
    await untilAllHeld(world);
    await fleet.collect();

    const { object: second, settledMeanwhile } = await whileNoneCanBeSettled(postgres, async () => {
      const object = await submit(world, crowd, "second");
      await untilAllBeat(postgres);
      return { object, settledMeanwhile: await deliveriesOf(postgres, object) };
    });
    const { errors, ms } = await untilReported(fleet, LIGHT_AGENTS);
    await untilAppliedByAll(postgres, second);

    assert.equal(settledMeanwhile, 0);
    assert.deepEqual(errors, {});
    assert.deepEqual([ms.snapshot.length, ms.poll.length], [LIGHT_AGENTS, 0]);

    const third = await submit(world, crowd, "third");
    await world.broker.stop();
    await world.startBroker();
    await untilAllBeat(postgres);
    await untilAppliedByAll(postgres, third);
    await untilAllHeld(world);
  },
);

function submit({ admin }: World, { everyones }: Crowd, name: string): Promise<DeploymentObject> {
  return admin.send(DeploymentObject, "POST", `/stacks/${everyones}/deployment-objects`, configMap(name));
}

/** Runs `work` while every agent's row is held, as by a change that never ends: settling waits for all of them. */
async function whileNoneCanBeSettled<T>(postgres: PostgresServer, work: () => Promise<T>): Promise<T> {
  return await postgres.asSuperuser(async (sql) => {
    const done = await sql.begin(async (tx) => {
      await tx`select id from agents for no key update`;
      return { result: await work() };
    });
    return done.result as T;
  }, postgres.database);
}

async function deliveriesOf(postgres: PostgresServer, { id }: DeploymentObject): Promise<number> {
  return await count(postgres, (sql) => sql`select from deliveries where desired_object_id = ${id}`);
}

async function untilAppliedByAll(postgres: PostgresServer, { id }: DeploymentObject): Promise<void> {
  await eventually(
    "all have reported it as applied",
    async () =>
      await count(
        postgres,
        (sql) => sql`select from deliveries where applied_object_id = ${id} and state = 'applied'`,
      ) ===
        LIGHT_AGENTS + 1,
  );
}

/** Waits until every agent gave a sign of life that is newer than this call. */
async function untilAllBeat(postgres: PostgresServer): Promise<void> {
  const [row] = await postgres.asSuperuser((sql) => sql<{ now: Date }[]>`select now()`, postgres.database);
  const { now } = z.object({ now: z.date() }).parse(row);
  await eventually(
    "all have given a sign of life",
    async () =>
      await count(postgres, (sql) => sql`select from agent_heartbeats where last_heartbeat > ${now}`) ===
        LIGHT_AGENTS + 1,
  );
}

async function untilAllHeld({ broker }: World): Promise<void> {
  await eventually("all wait for changes", async () => {
    return (await scrape(broker.url)).get("brokkr_http_held_requests") === LIGHT_AGENTS + 1;
  });
}

type Sql = Parameters<Parameters<PostgresServer["asSuperuser"]>[0]>[0];

async function count(postgres: PostgresServer, rows: (sql: Sql) => Promise<readonly unknown[]>): Promise<number> {
  return (await postgres.asSuperuser(rows, postgres.database)).length;
}
