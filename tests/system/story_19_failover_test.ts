import assert from "node:assert/strict";
import { z } from "zod";
import { sha256Hex } from "$lib/ids.ts";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { Snapshot } from "$lib/wire/snapshot.ts";
import { DeploymentObject, Stack } from "$lib/wire/stack.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { type Api, apiClient } from "./api.ts";
import { configMap } from "./bundles.ts";
import { type Samples, scrape, sumBy } from "./metrics_page.ts";
import type { Program } from "./programs.ts";
import { type ReplicatedBrokers, startReplicatedBrokers } from "./replicated_brokers.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { Writer } from "./writer.ts";

const AGENTS = 3;
const WRITES = 10;
const APPLIED = 'brokkr_delivery_duration_seconds_count{stage="applied"}';
const SETTLED = "brokkr_settling_duration_seconds_count";

story(
  "19: a broker is killed, the primary too, the standby promoted, the broker is back: nothing is lost, done or counted twice",
  [["postgres"], ["postgres", "pgbouncer"]],
  async (parts) => {
    await using brokers = await startReplicatedBrokers(parts);
    const { primary, standby } = brokers.servers;
    const cast = await assemble(brokers);
    const [before, jobs] = [await revisions(primary), await firstRuns(brokers.near)];
    const writers = [...writersOf(brokers, cast), ...cast.agents.map((agent) => reporterOf(brokers, agent))];
    await Promise.all(writers.map((writer) => writer.writes(WRITES)));

    const writing = writers.map((writer) => writer.writesOn());
    await brokers.far.kill();
    await brokers.servers.killPrimary();
    await brokers.promote();
    await brokers.restartFar();
    for (const writer of writers) writer.stop();
    await Promise.all(writing);
    await Promise.all(writers.map((writer) => writer.untilTaken()));
    await Promise.all(writers.map((writer) => writer.writes(WRITES)));
    await eventually("all is settled", () => isSettled(standby));

    await nothingIsLost(brokers, writers);
    const submissions = await countOf(standby, "deployment_objects");
    for (const [id, revision] of await revisions(standby)) {
      const changes = revision - (before.get(id) ?? NaN);
      assert.ok(changes >= WRITES && changes <= submissions, `${changes} changes by ${submissions} submissions`);
    }
    const pages = await Promise.all([brokers.near, brokers.far].map(({ url }) => scrape(url)));
    assert.ok(sum(pages, SETTLED) <= submissions, `${sum(pages, SETTLED)} settled of ${submissions}`);
    const applied = await appliedOnce(standby);
    assert.ok(sum(pages, APPLIED) <= applied, `${sum(pages, APPLIED)} counted of ${applied}`);
    assert.deepEqual(runs(await scrape(brokers.near.url)), jobs);
    await eventually("who is back has run its jobs once", async () => {
      const once = ["purge_agent_events 1", "purge_deliveries 1", "purge_expired 1"];
      assert.deepEqual(runs(await scrape(brokers.far.url)), once);
      return true;
    });
    await sayTheSame(brokers, standby);
  },
);

interface Cast {
  readonly generatorId: string;
  readonly stackId: string;
  readonly agents: readonly { readonly id: string; readonly pak: string }[];
}

async function assemble({ near, adminPak }: ReplicatedBrokers): Promise<Cast> {
  const admin = apiClient(near.url, adminPak);
  const { generator } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "team" });
  const stack = await admin.send(Stack, "POST", "/stacks", { name: "page", generator_id: generator.id });
  const agents = await Promise.all(Array.from({ length: AGENTS }, async (_, index) => {
    const named = { name: `agent-${index}`, cluster_name: "cluster", generator_ids: [generator.id] };
    const { agent, initial_pak: pak } = await admin.send(CreateAgentResponse, "POST", "/agents", named);
    const target = { agent_id: agent.id, stack_id: stack.id };
    await admin.send(z.unknown(), "POST", `/agents/${agent.id}/targets`, target);
    return { id: agent.id, pak };
  }));
  await admin.send(DeploymentObject, "POST", `/stacks/${stack.id}/deployment-objects`, configMap("page"));
  return { generatorId: generator.id, stackId: stack.id, agents };
}

/** Of each broker one who makes stacks, and one who submits. */
function writersOf({ near, far, adminPak }: ReplicatedBrokers, { generatorId, stackId }: Cast): readonly Writer[] {
  return [near, far].map(({ url }) => apiClient(url, adminPak)).flatMap((api) => [
    new Writer(async (name) => (await api.call("POST", "/stacks", { name, generator_id: generatorId })).status),
    new Writer(async (value) => {
      const { status } = await api.call("POST", `/stacks/${stackId}/deployment-objects`, configMap("page", { value }));
      return status;
    }),
  ]);
}

/** An agent that reports what it is to have, each report to both brokers: its key is the report's own. */
function reporterOf({ near, far }: ReplicatedBrokers, { id, pak }: Cast["agents"][number]): Writer {
  const sides = [near, far].map(({ url }) => apiClient(url, pak));
  return new Writer(async (bootId) => {
    const wanted = await Promise.any(sides.map((side) => wantedObject(side, id)));
    const report = {
      agent_id: id,
      deployment_object_id: wanted,
      boot_id: bootId,
      seq: 1,
      attempts: 1,
      state: "applied",
    };
    const answers = await Promise.allSettled(sides.map((side) => side.call("POST", `/agents/${id}/events`, report)));
    const statuses = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value.status : []);
    return statuses.find((status) => status === 201) ?? statuses[0] ?? 503;
  });
}

async function wantedObject(side: Api, agentId: string): Promise<string | undefined> {
  const { stacks } = await side.send(Snapshot, "GET", `/agents/${agentId}/snapshot`);
  return stacks[0]?.deployment_object?.id;
}

/**
 * Stacks by name, objects by the checksum of what holds the key, reports by the start of the agent that they are of.
 */
async function nothingIsLost({ servers: { standby } }: ReplicatedBrokers, writers: readonly Writer[]): Promise<void> {
  const rows = await standby.asSuperuser(
    (sql) =>
      sql<{ key: string }[]>`
        select name as key from stacks union select yaml_checksum from deployment_objects
        union select boot_id::text from agent_events`,
    standby.database,
  );
  const there = new Set(rows.map(({ key }) => key));
  for (const key of writers.flatMap(({ acknowledged }) => acknowledged)) {
    const isThere = there.has(key) || there.has(await sha256Hex(configMap("page", { value: key })));
    assert.ok(isThere, `${key} was acknowledged`);
  }
}

async function isSettled(server: PostgresServer): Promise<boolean> {
  return await countOf(server, "settle_lines") === 0;
}

async function countOf(server: PostgresServer, table: string): Promise<number> {
  const [row] = await server.asSuperuser(
    (sql) => sql<{ count: number }[]>`select count(*)::int as count from ${sql(table)}`,
    server.database,
  );
  return row?.count ?? NaN;
}

/** How many times an agent has applied an object for the first time. */
async function appliedOnce(server: PostgresServer): Promise<number> {
  const rows = await server.asSuperuser(
    (sql) => sql`select distinct agent_id, deployment_object_id from agent_events`,
    server.database,
  );
  return rows.length;
}

async function revisions(server: PostgresServer): Promise<ReadonlyMap<string, number>> {
  const rows = await server.asSuperuser(
    (sql) => sql<{ id: string; revision: number }[]>`select id, revision::int as revision from agents`,
    server.database,
  );
  return new Map(rows.map(({ id, revision }) => [id, revision]));
}

function sum(pages: readonly Samples[], series: string): number {
  return pages.reduce((sum, page) => sum + (page.get(series) ?? 0), 0);
}

/** How often they have once each has run, or been left to another. */
async function firstRuns({ url }: Program): Promise<readonly string[]> {
  return await eventually("each job that writes has run", async () => {
    const page = await scrape(url);
    const purges = [...sumBy(page, "brokkr_job_runs_total", ["task"])].filter(([task]) => task.startsWith("purge_"));
    return purges.every(([, count]) => count > 0) && runs(page);
  });
}

/** How often the jobs that write have run to their end. */
function runs(page: Samples): readonly string[] {
  const counts = [...sumBy(page, "brokkr_job_runs_total", ["task", "result"])];
  return counts.flatMap(([key, count]) => /^purge_\w+ success$/.test(key) ? `${key.split(" ")[0]} ${count}` : [])
    .sort();
}

async function sayTheSame({ near, far }: ReplicatedBrokers, server: PostgresServer): Promise<void> {
  const rows = [await countOf(server, "stacks"), await countOf(server, "deployment_objects"), AGENTS];
  for (const { url } of [near, far]) {
    await eventually("the page says what the rows say", async () => {
      const page = await scrape(url);
      const names = ["brokkr_stacks_total", "brokkr_deployment_objects_total"];
      const deliveries = [...sumBy(page, "brokkr_deliveries", [])].map(([, count]) => count);
      assert.deepEqual([...names.map((name) => page.get(name)), ...deliveries], rows);
      return true;
    });
  }
}
