import assert from "node:assert/strict";
import { Agent } from "$lib/wire/agent.ts";
import { ErrorResponse } from "$lib/wire/common.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { configMap } from "./bundles.ts";
import { signInAt, wordsOf } from "./console_visitor.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import { runCommand } from "./programs.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";
const BEATS = "brokkr_agent_heartbeat_sent_total";
const ERRORS = 'brokkr_agent_kubernetes_operations_total{operation="get",result="error"}';
const STORE_GAUGES = [
  "brokkr_active_agents",
  "brokkr_agent_heartbeat_age_seconds",
  "brokkr_deployment_objects_total",
  "brokkr_stacks_total",
];

story(
  "of an API server that goes away: the agent stays, tells of it, and delivers after",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "1" })));
    await eventually("the API server is reachable", async () => (await agentOf(world)).k8s_reachable === true);
    const { pid } = world.agent;

    const bringBack = await takeApiServerAway(world);
    await eventually("the API server is not reachable", async () => (await agentOf(world)).k8s_reachable === false);
    const before = await scrape(world.agent.url);
    const missed = await world.submit(stack, configMap("page", { value: "2" }));
    await eventually("heartbeats and errors go on", async () => {
      const now = await scrape(world.agent.url);
      return grown(BEATS, before, now) >= 2 && grown(ERRORS, before, now) >= 2;
    });
    assert.equal((await probe(world.agent.url, "healthz")).status, 200);
    assert.equal((await probe(world.agent.url, "readyz")).status, 200);
    await eventually("readiness says why", async () => {
      return /^kubernetes: Cannot .* does not answer$/m.test((await probe(world.agent.url, "readyz")).text);
    });

    await bringBack();
    await eventually("the API server is reachable again", async () => (await agentOf(world)).k8s_reachable === true);
    await world.untilApplied(missed);
    assert.deepEqual((await world.cluster.get(PAGE))?.data, { value: "2" });
    assert.equal(world.agent.pid, pid);
  },
);

story(
  "14: a database that goes away is said to be away, and everything is back with it",
  [["postgres"], ["postgres", "pgbouncer"]],
  async (parts) => {
    await using world = await openWorld({ parts, brokerSettings: { METRICS__REFRESH_INTERVAL: "1" } });
    const { postgres } = world.servers;
    assert.ok(postgres !== undefined);
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "1" })));
    assert.deepEqual(storeGauges(await scrape(world.broker.url)), STORE_GAUGES);

    await postgres.stop();
    const notReady = await eventually("the broker is not ready", async () => {
      const answer = await probe(world.broker.url, "readyz");
      return answer.status === 503 && answer;
    });
    assert.match(notReady.text, /^Not ready: .*database/);
    assert.equal((await probe(world.broker.url, "healthz")).status, 200);
    await eventually("the store's gauges are gone", async () => {
      return storeGauges(await scrape(world.broker.url)).length === 0;
    });
    await assertUnavailable(world, postgres);
    await saidToPeople(world);

    await postgres.start();
    await eventually("the broker is ready", async () => (await probe(world.broker.url, "readyz")).text === "Ready");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "2" })));
    await eventually("the store's gauges are back", async () => {
      return storeGauges(await scrape(world.broker.url)).length === STORE_GAUGES.length;
    });
  },
);

/** Reads and writes, by a key just used and by one never used: none is a bug of its own, none shows the database. */
async function assertUnavailable({ admin, generator, agentId }: World, { socketDir }: PostgresServer): Promise<void> {
  const answers = await Promise.all([
    admin.call("GET", "/agents"),
    admin.call("POST", "/generators", { name: "other" }),
    generator.call("GET", "/stacks"),
    generator.call("GET", `/agents/${agentId}`),
  ]);
  for (const { status, body } of answers) {
    const { code, message } = ErrorResponse.parse(body);
    assert.deepEqual([status, code], [503, "unavailable"], message);
    assert.ok(!message.includes(socketDir), message);
  }
}

/** A command and a page say which part is away, what that means, and where more is said. */
async function saidToPeople({ broker, adminPak }: World): Promise<void> {
  const line = /^Cannot [^\n]*: the broker is there, its database is not; [^\n]*find-out-why\.md#database_away\)\s*$/m;
  const folder = await Deno.makeTempDir({ prefix: "brokkr-key-" });
  await Deno.writeTextFile(`${folder}/pak`, adminPak, { mode: 0o600 });
  const connection = ["--broker-url", broker.url, "--pak-file", `${folder}/pak`];
  await eventually("a command says so", async () => {
    const { code, stderr } = await runCommand("broker", ["get", "agents", ...connection], {});
    return code === 1 && line.test(stderr);
  });
  await eventually("the console says so", async () => {
    const { status, text } = await signInAt(broker.url, adminPak);
    return status === 503 && wordsOf(text).includes("the broker is there, its database is not; ");
  });
  await Deno.remove(folder, { recursive: true });
}

/** Makes the agent's requests fail as they do without an API server; the returned function ends that. */
async function takeApiServerAway({ servers: { controlPlane, simulated } }: World): Promise<() => Promise<void>> {
  if (controlPlane !== undefined) {
    await controlPlane.stopApiServer();
    return () => controlPlane.startApiServer();
  }
  assert.ok(simulated !== undefined);
  const heal = simulated.fault({ userAgent: /^brokkr-agent/ }, { times: Infinity, connection: "close" });
  return () => Promise.resolve(heal());
}

function agentOf({ admin, agentId }: World): Promise<{ readonly k8s_reachable: boolean | null }> {
  return admin.send(Agent, "GET", `/agents/${agentId}`);
}

async function probe(url: string, name: "healthz" | "readyz"): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/${name}`);
  return { status: answer.status, text: await answer.text() };
}

function grown(series: string, before: Samples, after: Samples): number {
  return (after.get(series) ?? 0) - (before.get(series) ?? 0);
}

function storeGauges(samples: Samples): readonly string[] {
  return STORE_GAUGES.filter((name) => samples.has(name));
}
