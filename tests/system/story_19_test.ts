import assert from "node:assert/strict";
import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { Snapshot } from "$lib/wire/snapshot.ts";
import { DeploymentObject } from "$lib/wire/stack.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { type Api, apiClient } from "./api.ts";
import { configMap } from "./bundles.ts";
import { rowCounts } from "./from_outside.ts";
import { locked } from "./locked.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import type { Program } from "./programs.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const ON_SERVERS = [["postgres"], ["postgres", "pgbouncer"]] as const;
/** More than are settled in one transaction, so that the jobs of both brokers want the lines. */
const AGENTS = 250;
const AT_ONCE = 6;
const STACKS = 8;
const SETTLED = "brokkr_settling_duration_seconds_count";
const DELIVERED = 'brokkr_delivery_duration_seconds_count{stage="delivered"}';
const APPLIED = 'brokkr_delivery_duration_seconds_count{stage="applied"}';
const PURGE = 'task="purge_agent_events"';

story(
  "19: of what two brokers are asked for at once each thing happens once, and is counted once",
  ON_SERVERS,
  async (parts) => {
    await using world = await openWorld({ parts, startsAgent: false });
    const brokers = [world.broker, await world.startReplica()];
    const { postgres = assert.fail("no PostgreSQL") } = world.servers;
    const generators = brokers.map(({ url }) => apiClient(url, world.generatorPak));
    const stackIds = await stacksMadeTwice(world, generators);
    await crowd(world, stackIds);
    await eventually("all is settled", () => isSettled(postgres));
    const before = await revisions(postgres);
    const pages = await Promise.all(brokers.map(({ url }) => scrape(url)));

    const objectIds = await Promise.all(stackIds.map((id) => submittedTwice(id, generators)));
    await eventually("all is settled", () => isSettled(postgres));
    const after = await revisions(postgres);
    const agents = brokers.map(({ url }) => apiClient(url, world.agentPak));
    const wanted = await Promise.all(agents.map((agent) => wantedObjects(world, agent)));
    for (const object of objectIds) await reported(world, agents, object);

    assert.deepEqual([...after.keys()], [...before.keys()]);
    assert.deepEqual(new Set([...after].map(([id, revision]) => revision - (before.get(id) ?? 0))), new Set([STACKS]));
    assert.deepEqual(wanted, wanted.map(() => objectIds.toSorted()));
    const events = await world.events();
    assert.deepEqual(events.map(({ deployment_object_id }) => deployment_object_id).toSorted(), objectIds.toSorted());
    await eventually("all of it is counted, once", async () => {
      const now = await Promise.all(brokers.map(({ url }) => scrape(url)));
      const grown = (series: string) => sum(now, series) - sum(pages, series);
      assert.deepEqual([SETTLED, DELIVERED, APPLIED].map(grown), [STACKS, STACKS, STACKS]);
      return true;
    });
    await sayTheSame(brokers, postgres);
  },
);

story(
  "19: a job that writes is one broker's at a time, and another's once that one is killed",
  ON_SERVERS,
  async (parts) => {
    await using world = await openWorld({ parts, startsAgent: false });
    const { postgres = assert.fail("no PostgreSQL") } = world.servers;
    await anOldEvent(world, postgres);

    const lock = await locked(postgres, "agent_events", "share");
    const [one, other] = await Promise.all([world.startReplica(), world.startReplica()]);
    const holder = await eventually("one has skipped the job", async () => {
      const skipped = await Promise.all([one, other].map((broker) => purges(broker, "skipped")));
      return skipped[0] === 1 ? other : skipped[1] === 1 ? one : undefined;
    });
    await holder.kill();
    await lock.release();
    const third = await world.startReplica();
    await eventually("the third one has done it", async () => await purges(third, "success") === 1);

    assert.deepEqual(await world.events(), []);
    assert.equal(await purges(holder === one ? other : one, "success"), 0);
  },
);

/**
 * Of two who make the same stack at once one is told that it is there; both submit the first bundle of the one made.
 */
async function stacksMadeTwice({ generatorId }: World, sides: readonly Api[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let made = 0; made < STACKS; made += 1) {
    const body = { name: `stack-${made}`, generator_id: generatorId };
    const answers = await Promise.all(sides.map((side) => side.call("POST", "/stacks", body)));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 409]);
    const winner = answers.find(({ status }) => status === 201);
    ids.push(z.object({ id: z.uuid() }).parse(winner?.body).id);
  }
  return ids;
}

/** Gives every stack to the world's agent, and to many more. */
async function crowd({ admin, generatorId, agentId }: World, stackIds: readonly string[]): Promise<void> {
  const annotate = (owner: "agent" | "stack", id: string) =>
    admin.send(z.unknown(), "POST", `/${owner}s/${id}/annotations`, { [`${owner}_id`]: id, key: "for", value: "all" });
  await annotate("agent", agentId);
  const names = Array.from({ length: AGENTS - 1 }, (_, index) => `agent-${index}`).values();
  async function makeThem(): Promise<void> {
    for (const name of names) {
      const named = { name, cluster_name: "crowd", generator_ids: [generatorId] };
      const { agent } = await admin.send(CreateAgentResponse, "POST", "/agents", named);
      await annotate("agent", agent.id);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, makeThem));
  for (const id of stackIds) await annotate("stack", id);
}

async function isSettled(postgres: PostgresServer): Promise<boolean> {
  const rows = await postgres.asSuperuser((sql) => sql`select from settle_lines limit 1`, postgres.database);
  return rows.length === 0;
}

async function revisions(postgres: PostgresServer): Promise<ReadonlyMap<string, number>> {
  const rows = await postgres.asSuperuser(
    (sql) => sql<{ id: string; revision: number }[]>`select id, revision::int as revision from agents order by id`,
    postgres.database,
  );
  return new Map(rows.map(({ id, revision }) => [id, revision]));
}

/** The same bundle, to both at once: one object. */
async function submittedTwice(stackId: string, sides: readonly Api[]): Promise<string> {
  const objects = await Promise.all(
    sides.map((side) =>
      side.send(DeploymentObject, "POST", `/stacks/${stackId}/deployment-objects`, configMap("page"))
    ),
  );
  const ids = new Set(objects.map(({ id }) => id));
  assert.equal(ids.size, 1);
  return [...ids][0] ?? "";
}

/** What its snapshot names. */
async function wantedObjects({ agentId }: World, agent: Api): Promise<readonly string[]> {
  const { stacks } = await agent.send(Snapshot, "GET", `/agents/${agentId}/snapshot`);
  return stacks.flatMap(({ deployment_object }) => deployment_object?.id ?? []).toSorted();
}

/** The same report to each of them at once, as of an agent that never got an answer to its first. */
async function reported({ agentId }: World, sides: readonly Api[], objectId: string): Promise<void> {
  const body = {
    ...{ agent_id: agentId, deployment_object_id: objectId, event_type: "DEPLOY", status: "SUCCESS" },
    ...{ state: "applied", boot_id: crypto.randomUUID(), seq: 1, attempts: 1 },
  };
  const answers = await Promise.all(sides.map((side) => side.call("POST", `/agents/${agentId}/events`, body)));
  assert.deepEqual(answers.map(({ status }) => status), sides.map(() => 201), JSON.stringify(answers));
}

function sum(pages: readonly Samples[], series: string): number {
  return pages.reduce((sum, page) => sum + (page.get(series) ?? 0), 0);
}

/** Gauges of the store are of the store, whichever broker shows them. */
async function sayTheSame(brokers: readonly Program[], postgres: PostgresServer): Promise<void> {
  const { stacks, objects } = await rowCounts(postgres);
  const rows = [stacks, objects, STACKS, (AGENTS - 1) * STACKS, 0];
  for (const { url } of brokers) {
    await eventually("the page says what the rows say", async () => {
      const page = await scrape(url);
      const shown = [
        "brokkr_stacks_total",
        "brokkr_deployment_objects_total",
        'brokkr_deliveries{state="applied"}',
        'brokkr_deliveries{state="pending"}',
        "brokkr_settling_lines",
      ].map((series) => page.get(series));
      assert.deepEqual(shown, rows);
      return true;
    });
  }
}

/** One that has outlived its retention. */
async function anOldEvent(world: World, postgres: PostgresServer): Promise<void> {
  const { id } = await world.submit(await world.addStack("page"), configMap("page"));
  await reported(world, [apiClient(world.broker.url, world.agentPak)], id);
  await postgres.asSuperuser(
    (sql) => sql`update agent_events set created_at = now() - interval '31 days'`,
    postgres.database,
  );
}

/** How many runs of the purge of events have ended so. */
async function purges({ url }: Program, result: string): Promise<number | undefined> {
  return (await scrape(url)).get(`brokkr_job_runs_total{${PURGE},result="${result}"}`) ?? 0;
}
