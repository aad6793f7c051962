import assert from "node:assert/strict";
import { z } from "zod";
import { newPak } from "$lib/ids.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { Snapshot } from "$lib/wire/snapshot.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { apiClient } from "./api.ts";
import { configMap } from "./bundles.ts";
import { jobsHeld, locked } from "./locked.ts";
import { scrape } from "./metrics_page.ts";
import { Movement, processMoves } from "./movement.ts";
import { startBroker, untilReady } from "./programs.ts";
import { eventually } from "./wait.ts";
import type { World } from "./world.ts";

/** Fewer than the pool has connections, and more than the programs ask for at once. */
const IN_FLIGHT = 6;
/** What others than agents may have of those: four fifths. */
const OTHERS_IN_FLIGHT = 5;

/** So far apart that no agent becomes either while a slow machine does something else: the story makes it so. */
export const [LATE_SECONDS, LOST_SECONDS] = [600, 6_000] as const;

/** What every broker of this world is told. */
export const BROKER_SETTINGS = {
  METRICS__REFRESH_INTERVAL: "1",
  AGENTS__LATE_AFTER_SECONDS: String(LATE_SECONDS),
  AGENTS__LOST_AFTER_SECONDS: String(LOST_SECONDS),
  BROKER__MAX_BODY_BYTES: "4096",
  BROKER__MAX_IN_FLIGHT: String(IN_FLIGHT),
};
const POOL_SIZE = 10;
const SHARES = { hot: 6, bulk: 3, gauges: 1 };
const PURGES = ["purge_agent_events", "purge_deliveries", "purge_expired"];
const COUNTING = ["count_slo", "note_connectivity"];
const REPEATED = ["refresh_gauges", "settle", ...COUNTING];
const JOBS = [...PURGES, ...REPEATED];

/** Makes a broker whose agent has not started answer, refuse and fail in every way that is counted. */
export async function driveBroker(world: World): Promise<readonly Movement[]> {
  const postgres = world.servers.postgres ?? assert.fail("no PostgreSQL");
  const broker = new Movement(() => world.broker.url);
  await hasStarted(broker);
  await answersMethods(world, broker);
  await admits(world, broker);
  await holds(world, broker);
  await failsTooOften(world, broker);
  await asksTheDatabase(world, broker);
  await waitsForTheDatabase(world, { broker, postgres });
  await failsInTheDatabase(world, { broker, postgres });
  await settlesLater(world, { broker, postgres });
  const second = await sharesJobs(world, { broker, postgres });
  return [broker, second];
}

interface Driven {
  readonly broker: Movement;
  readonly postgres: PostgresServer;
}

async function hasStarted(broker: Movement): Promise<void> {
  const ofProcess = processMoves("broker");
  await broker.expectSinceStart("the broker runs", {
    by: Object.assign({}, ...PURGES.map((task) => ({ ...runs(task, "success", 1), ...timed(task, 1) }))),
    more: [
      ...ofProcess.more,
      ...REPEATED.flatMap((task) => Object.keys({ ...runs(task, "success", 1), ...timed(task, 1) })),
      ...JOBS.map((task) => `brokkr_job_last_success_timestamp_seconds{task="${task}"}`),
      'brokkr_database_connections{state="open"}',
      "brokkr_agent_heartbeat_age_seconds",
    ],
    to: {
      ...ofProcess.to,
      'brokkr_database_connections{state="limit"}': POOL_SIZE,
      ...Object.fromEntries(
        Object.entries(SHARES).map(([share, limit]) => [shareOfPool(share, "limit"), limit]),
      ),
      'brokkr_agents{connectivity="never"}': 1,
      'brokkr_agents_kubernetes{reachable="unknown"}': 1,
    },
  });
}

async function answersMethods(world: World, broker: Movement): Promise<void> {
  const others = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];
  const counted = (method: string) => method === "BREW" ? "OTHER" : method;
  await broker.expect("every method was answered", async () => {
    for (const method of ["GET", "HEAD", ...others]) await answered(`${world.broker.url}/healthz`, { method });
  }, {
    by: Object.assign(
      requests("GET", "/healthz", 200),
      requests("HEAD", "/healthz", 200),
      ...others.map((method) => requests(counted(method), "/healthz", 405)),
    ),
  });
  await broker.expect("a path that is none was asked for", () => answered(`${world.broker.url}/nowhere`), {
    by: requests("GET", "unmatched", 404),
  });
  await broker.expect("a body is too large", async () => {
    assert.equal((await world.admin.call("POST", "/generators", { name: "x".repeat(5_000) })).status, 413);
  }, { by: { ...requests("POST", "/api/v1/generators", 413), ...bounded("body_size") } });
  await broker.expect("a body does not come", async () => {
    const body = new ReadableStream({ pull: () => new Promise(() => {}) });
    const headers = { authorization: world.adminPak };
    await answered(`${world.broker.url}/api/v1/generators`, { method: "POST", headers, body });
  }, { by: { ...requests("POST", "/api/v1/generators", 503), ...bounded("body_time") } });
}

async function admits(world: World, broker: Movement): Promise<void> {
  const { url } = world.broker;
  const [first = "", ...rest] = [...world.adminPak].reverse();
  const unknown = [...rest.reverse(), first === "1" ? "2" : "1"].join("");
  await broker.expect("one came with every kind of key", async () => {
    await answered(`${url}/api/v1/stacks`);
    for (const key of ["malformed", unknown, world.agentPak]) await apiClient(url, key).call("GET", "/agents");
    await world.admin.call("GET", "/agents");
  }, {
    by: Object.fromEntries(
      ["missing", "malformed", "unknown", "forbidden", "success"].map((
        result,
      ) => [`brokkr_auth_attempts_total{result="${result}"}`, 1]),
    ),
  });
}

/** More failures than an address may have in a second, however slow the machine is. */
async function failsTooOften(world: World, broker: Movement): Promise<void> {
  await broker.expect("keys are looked up later", async () => {
    const guess = () => apiClient(world.broker.url, newPak()).call("GET", "/agents");
    const statuses = await Promise.all(Array.from({ length: 100 }, guess));
    await Promise.all(Array.from({ length: 5 }, guess));
    assert.deepEqual([...new Set(statuses.map(({ status }) => status))], [401]);
  }, { more: Object.keys(bounded("key_lookups")) });
}

/** The agent's program has not started: nobody else waits. */
async function holds(world: World, broker: Movement): Promise<void> {
  const agent = apiClient(world.broker.url, world.agentPak);
  const { revision } = await agent.send(Snapshot, "GET", `/agents/${world.agentId}/snapshot`);
  const [leaving, held] = [new AbortController(), "brokkr_http_held_requests"];
  const wait = `${world.broker.url}/api/v1/agents/${world.agentId}/changes?since=${revision}&wait=55`;
  const options = { headers: { authorization: world.agentPak }, signal: leaving.signal };
  const waited = fetch(wait, options).catch(() => {}); // it is aborted here
  await broker.expect("the agent waits for changes", () => Promise.resolve(), { to: { [held]: 1 } });
  await broker.expect("and leaves", () => Promise.resolve(leaving.abort()), { to: { [held]: 0 } });
  await waited;
}

async function asksTheDatabase(world: World, broker: Movement): Promise<void> {
  await broker.expect("a generator came and went", async () => {
    const { generator } = await world.admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "brief" });
    await world.admin.send(z.unknown(), "POST", `/agents/${world.agentId}/labels`, {
      agent_id: world.agentId,
      label: "brief",
    });
    await world.admin.call("DELETE", `/agents/${world.agentId}/labels/brief`);
    await world.admin.call("DELETE", `/generators/${generator.id}`);
  }, {
    more: [
      ...["select", "insert", "update", "delete"].flatMap((operation) => [
        `brokkr_database_queries_total{operation="${operation}"}`,
        `brokkr_database_query_duration_seconds_count{operation="${operation}"}`,
      ]),
      ...["begin", "commit"].map((operation) =>
        `brokkr_database_transaction_duration_seconds_count{operation="${operation}"}`
      ),
    ],
  });
}

async function waitsForTheDatabase(world: World, { broker, postgres }: Driven): Promise<void> {
  await using lock = await locked(postgres, "agents", "access exclusive");
  using client = await openRequest(world, "/api/v1/agents");
  const polling = apiClient(world.broker.url, world.agentPak).call("GET", `/agents/${world.agentId}/snapshot`);
  await broker.expectSinceStart("statements of every share wait", {
    more: [
      'brokkr_database_connections{state="busy"}',
      ...Object.keys(SHARES).map((share) => shareOfPool(share, "busy")),
    ],
  });
  await broker.expect("a client left before the answer", async () => {
    client.close();
    await scrape(world.broker.url); // it knows of the close by the time it answers what was sent later
    await lock.release();
    await polling;
  }, { by: requests("GET", "/api/v1/agents", 499) });
  await refusesMoreAtOnce(world, { broker, postgres });
}

/** A connection on which the admin asks; unlike `fetch` that is aborted, it is closed when `close` returns. */
async function openRequest(world: World, path: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(world.broker.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${world.adminPak}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return connection;
}

/**
 * None of them can be answered meanwhile, so one is refused, while the page is still read. Keys are not in that table.
 */
async function refusesMoreAtOnce(world: World, { broker, postgres }: Driven): Promise<void> {
  await using lock = await locked(postgres, "stacks", "access exclusive");
  let asking: readonly ReturnType<typeof world.admin.call>[] = [];
  await broker.expect("one more came than may be in flight", async () => {
    asking = Array.from({ length: OTHERS_IN_FLIGHT + 1 }, () => world.admin.call("GET", "/stacks"));
    const { status, body } = await Promise.race(asking);
    assert.deepEqual([status, /max_in_flight/.test(JSON.stringify(body))], [503, true]);
  }, { by: bounded("in_flight"), more: Object.keys(requests("GET", "/api/v1/stacks", 503)) });
  await lock.release();
  await Promise.all(asking);
}

async function failsInTheDatabase(world: World, { broker, postgres }: Driven): Promise<void> {
  const errors = (operation: string) => `brokkr_database_query_errors_total{operation="${operation}"}`;
  const failing = async (right: string, table: string, happens: () => Promise<unknown>, moves: Moves) => {
    await owner(postgres, `revoke ${right} on ${table} from brokkr`);
    await broker.expect(`${right} fails`, happens, moves);
    await owner(postgres, `grant ${right} on ${table} to brokkr`);
  };
  await failing("select", "stacks", () => Promise.resolve(), {
    more: [
      errors("select"),
      ...["refresh_gauges", "count_slo"].flatMap((task) => Object.keys(runs(task, "error", 1))),
    ],
  });
  await failing("update", "agent_heartbeats", () => Promise.resolve(), {
    more: Object.keys(runs("note_connectivity", "error", 1)),
  });
  await failing("select", "settle_lines", () => Promise.resolve(), { more: Object.keys(runs("settle", "error", 1)) });
  await failing("insert", "generators", () => world.admin.call("POST", "/generators", { name: "never" }), {
    by: { [errors("insert")]: 1, ...requests("POST", "/api/v1/generators", 500) },
  });
  const change = () => world.admin.call("PUT", `/agents/${world.agentId}`, { cluster_name: "other" });
  await failing("update", "agents", change, {
    by: { [errors("update")]: 1, ...requests("PUT", "/api/v1/agents/:id", 500) },
  });
  await owner(postgres, "revoke delete on agent_events, deliveries, idempotency_keys from brokkr");
  await world.broker.stop();
  await world.startBroker();
  await broker.expectSinceStart("purges fail", {
    more: [errors("delete"), ...PURGES.flatMap((task) => Object.keys(runs(task, "error", 1)))],
  });
  await owner(postgres, "grant delete on agent_events, deliveries, idempotency_keys to brokkr");
}

/**
 * Nothing can be settled while another holds the deliveries; a submission is answered all the same, and settled after.
 */
async function settlesLater(world: World, { broker, postgres }: Driven): Promise<void> {
  const stack = await world.addStack("later");
  await eventually("what came before is settled", async () => await linesLeft(postgres) === 0);
  await using lock = await locked(postgres, "deliveries", "share row exclusive");
  await broker.expect("a submission waits to be settled", () => world.submit(stack, configMap("later")), {
    more: ["brokkr_settling_oldest_line_age_seconds"],
    to: { "brokkr_settling_lines": 1 },
  });
  await broker.expect("it is settled", () => lock.release(), {
    by: { "brokkr_settling_duration_seconds_count": 1 },
    to: { "brokkr_settling_lines": 0 },
  });
  await world.admin.call("DELETE", `/stacks/${stack}`);
}

/** While another has the jobs that one does for all, a broker's own are skipped. */
async function sharesJobs(world: World, { postgres }: Driven): Promise<Movement> {
  await using _held = await jobsHeld(postgres, [...PURGES, ...COUNTING]);
  await using other = startBroker({ ...world.servers.databaseSettings, ...BROKER_SETTINGS });
  await untilReady(other);
  const second = new Movement(() => other.url);
  await second.expectSinceStart("another does what is done for all", {
    by: Object.assign({}, ...PURGES.map((task) => runs(task, "skipped", 1))),
    more: COUNTING.flatMap((task) => Object.keys(runs(task, "skipped", 1))),
  });
  return second;
}

function shareOfPool(share: string, state: string): string {
  return `brokkr_database_pool_connections{share="${share}",state="${state}"}`;
}

type Moves = Parameters<Movement["expect"]>[2];

async function owner(postgres: PostgresServer, statement: string): Promise<void> {
  await postgres.asSuperuser((sql) => sql.unsafe(statement), postgres.database);
}

async function linesLeft(postgres: PostgresServer): Promise<number> {
  const [row] = await postgres.asSuperuser(
    (sql) => sql<{ count: number }[]>`select count(*)::int as count from settle_lines`,
    postgres.database,
  );
  return row?.count ?? NaN;
}

async function answered(url: string, init: RequestInit = {}): Promise<void> {
  await (await fetch(url, init)).arrayBuffer();
}

/** A request is counted and timed. */
function requests(method: string, endpoint: string, status: number): Record<string, number> {
  return {
    [`brokkr_http_requests_total{method="${method}",endpoint="${endpoint}",status="${status}"}`]: 1,
    [`brokkr_http_request_duration_seconds_count{method="${method}",endpoint="${endpoint}"}`]: 1,
  };
}

function bounded(bound: string): Record<string, number> {
  return { [`brokkr_http_bounded_total{bound="${bound}"}`]: 1 };
}

function runs(task: string, result: string, by: number): Record<string, number> {
  return { [`brokkr_job_runs_total{task="${task}",result="${result}"}`]: by };
}

function timed(task: string, by: number): Record<string, number> {
  return { [`brokkr_job_duration_seconds_count{task="${task}"}`]: by };
}
