import assert from "node:assert/strict";
import { readAudit } from "../cluster/control_plane.ts";
import { testWith } from "../run/parts.ts";
import { bundle, configMap, deployment, namespace } from "./bundles.ts";
import { type Counts, kubernetesCounts, rowCounts, statementCounts } from "./from_outside.ts";
import { type Samples, scrape, sumBy } from "./metrics_page.ts";
import { startProxy } from "./proxy.ts";
import { untilRefreshed } from "./refresh.ts";
import { countWire, type WireCount } from "./wire_count.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const KINDS = ["select", "insert", "update", "delete"];
const REFRESH_SECONDS = 2;
const OPERATIONS = "brokkr_agent_kubernetes_operations_total";
/** What the work must have the agent do. */
const MOVED = [
  "apply success",
  "dry_run success",
  "list success",
  "get success",
  "create success",
  "patch success",
  "delete success",
];

interface Polls {
  success: number;
  empty: number;
  /** When the last one that was answered came from the agent. */
  lastMs: number;
}

interface OutsideOfAgent {
  readonly kubernetes: Counts;
  readonly heartbeats: number;
  readonly polls: Polls;
  readonly ms: number;
}

interface OutsideOfBroker {
  readonly statements: Counts;
  readonly rows: Awaited<ReturnType<typeof rowCounts>>;
  /** Before the gauges were read. */
  readonly heartbeatAge: number;
}

testWith(["postgres", "nodes"], "every seed metric says what is known from outside", async () => {
  const polls: Polls = { success: 0, empty: 0, lastMs: 0 };
  await using proxy = startProxy(async (request, forward) => {
    const sentMs = Date.now();
    const answer = await forward(request);
    if (new URL(request.url).pathname.endsWith("/snapshot")) polls.lastMs = sentMs;
    return answer;
  });
  let brokerUrl = "";
  using wire = countWire(() => brokerUrl);
  countPolls(wire, polls);
  await using world = await openWorld({
    parts: ["postgres", "nodes"],
    brokerUrlOfAgent: (url) => proxy.before(url),
    onBrokerUrl: (url) => brokerUrl = url,
    brokerSettings: { METRICS__REFRESH_INTERVAL: String(REFRESH_SECONDS) },
    agentSettings: { AGENT__RESYNC_INTERVAL: "600", AGENT__HEARTBEAT_INTERVAL: "2", AGENT__POLLING_INTERVAL: "2" },
  });

  await work(world);
  await eventually("there were polls of both kinds", () => polls.success > 0 && polls.empty > 0);

  await agentCountsRight(world, { wire, polls });
  await brokerCountsRight(world, wire);
});

/** A known piece of work: two deliveries, a change, a failure, a removal. */
async function work(world: World): Promise<void> {
  const web = await world.addStack("web");
  const inShop = { namespace: "shop" };
  const app = (value: string) =>
    bundle(namespace("shop"), configMap("page", { ...inShop, value }), deployment("web", inShop));
  await world.untilApplied(await world.submit(web, app("1")));
  await world.untilApplied(await world.submit(web, app("2")));
  const bad = await world.submit(await world.addStack("bad"), configMap("page", { namespace: "nowhere" }));
  await eventually("the failure is reported", async () => (await world.events(bad.id))[0]?.status === "FAILURE");
  const brief = await world.addStack("brief");
  await world.untilApplied(await world.submit(brief, configMap("brief")));
  await world.admin.call("DELETE", `/stacks/${brief}`);
  await eventually(
    "the removed stack is pruned",
    async () => await world.cluster.get("/api/v1/namespaces/default/configmaps/brief") === undefined,
  );
}

function countPolls(wire: WireCount, polls: Polls): void {
  wire.onAnswer(({ key, status, text }) => {
    if (!key.startsWith("GET /api/v1/agents/:id/snapshot ")) return;
    if (status === 200 && JSON.parse(text).stacks.length > 0) polls.success += 1;
    else if (status === 200 || status === 304) polls.empty += 1;
  });
}

async function agentCountsRight(world: World, { wire, polls }: { wire: WireCount; polls: Polls }): Promise<void> {
  const page = await quietly({
    look: () => scrape(world.agent.url),
    outside: async () => ({
      kubernetes: kubernetesCounts(await readAudit(world.servers.controlPlane ?? assert.fail("no control plane"))),
      heartbeats: wire.answers.get("POST /api/v1/agents/:id/heartbeat 204") ?? 0,
      polls: { ...polls },
      ms: Date.now(),
    }),
    matters: (series) => series.includes("operations_total") || series.includes("heartbeat") || series.includes("poll"),
    agree: agentAgrees,
  });
  const moved = sumBy(page, OPERATIONS, ["operation", "result"]);
  for (const one of MOVED) assert.ok((moved.get(one) ?? 0) > 0, `the work must move ${one}`);
}

function agentAgrees(page: Samples, outside: OutsideOfAgent): void {
  const inside = sumBy(page, OPERATIONS, ["operation", "result"]);
  assert.deepEqual(withoutZeros(inside), withoutZeros(outside.kubernetes));
  assertCountsOf(page, {
    counter: OPERATIONS,
    histogram: "brokkr_agent_kubernetes_operation_duration_seconds",
    labels: ["operation"],
  });
  const { success, empty, lastMs: sentMs } = outside.polls;
  const pollsInside = sumBy(page, "brokkr_agent_poll_requests_total", ["result"]);
  assert.deepEqual(Object.fromEntries(pollsInside), { success, empty, error: 0 });
  assertCountsOf(page, {
    counter: "brokkr_agent_poll_requests_total",
    histogram: "brokkr_agent_poll_duration_seconds",
    labels: [],
  });
  assert.equal(page.get("brokkr_agent_heartbeat_sent_total"), outside.heartbeats);
  const lastMs = (page.get("brokkr_agent_last_successful_poll_timestamp") ?? 0) * 1000;
  assertBetween(lastMs, [sentMs, outside.ms], "the last poll ended after it was sent, and before now");
}

async function brokerCountsRight(world: World, wire: WireCount): Promise<void> {
  assert.equal(await world.agent.stop(), 0);
  const server = world.servers.postgres ?? assert.fail("no PostgreSQL");
  const { heartbeatAge } = await rowCounts(server);
  await untilRefreshed(world.broker);
  await quietly({
    look: () => scrape(world.broker.url),
    outside: async () => ({ statements: await statementCounts(server), rows: await rowCounts(server), heartbeatAge }),
    matters: (series) => series.startsWith("brokkr_database_quer") || series.startsWith("brokkr_stacks"),
    agree: brokerAgrees,
  });
  await eventually("broker and wire count the same requests", async () => {
    const sent = new Map(wire.answers); // a scrape is not on its own page
    httpAgrees(await scrape(world.broker.url), sent);
    return true;
  });
  assert.ok(wire.answers.size >= 12, "the work must take many routes");
}

function brokerAgrees(page: Samples, outside: OutsideOfBroker): void {
  const statements = sumBy(page, "brokkr_database_queries_total", ["operation"]);
  const errors = sumBy(page, "brokkr_database_query_errors_total", ["operation"]);
  assert.deepEqual(
    Object.fromEntries(KINDS.map((kind) => [kind, (statements.get(kind) ?? 0) - (errors.get(kind) ?? 0)])),
    Object.fromEntries(KINDS.map((kind) => [kind, outside.statements.get(kind)])),
  );
  assertCountsOf(page, {
    counter: "brokkr_database_queries_total",
    histogram: "brokkr_database_query_duration_seconds",
    labels: ["operation"],
  });
  const { agents, stacks, objects } = outside.rows;
  assert.equal(page.get("brokkr_active_agents"), agents);
  assert.equal(page.get("brokkr_stacks_total"), stacks);
  assert.equal(page.get("brokkr_deployment_objects_total"), objects);
  assert.deepEqual([agents, stacks, objects], [1, 2, 3]);
  const age = page.get("brokkr_agent_heartbeat_age_seconds") ?? -1;
  assertBetween(age, [outside.heartbeatAge, outside.rows.heartbeatAge], "it was read between these looks at the rows");
}

function httpAgrees(page: Samples, sent: Counts): void {
  assert.deepEqual(
    withoutZeros(sumBy(page, "brokkr_http_requests_total", ["method", "endpoint", "status"])),
    withoutZeros(sent),
  );
  assertCountsOf(page, {
    counter: "brokkr_http_requests_total",
    histogram: "brokkr_http_request_duration_seconds",
    labels: ["method", "endpoint"],
    untimed: ["GET /api/v1/agents/:id/changes"], // what is held takes as long as nothing happens
  });
}

interface Look<T> {
  readonly look: () => Promise<Samples>;
  readonly outside: () => Promise<T>;
  /** Which series are spoken of. */
  readonly matters: (series: string) => boolean;
  /** Fails where inside and outside say different things. */
  readonly agree: (page: Samples, outside: T) => void;
}

/**
 * Looks from outside between two scrapes that agree, so that both speak of the same moment, until both say the same:
 * what is counted where it was answered may not be counted yet where the answer goes.
 */
function quietly<T>({ look, outside, matters, agree }: Look<T>): Promise<Samples> {
  const essence = (page: Samples) => JSON.stringify([...page].filter(([series]) => matters(series)));
  return eventually("nothing happens for a moment, and what both say of it is the same", async () => {
    const page = await look();
    const seen = await outside();
    if (essence(page) !== essence(await look())) return undefined;
    agree(page, seen);
    return page;
  }, { everyMs: 400 });
}

/** Ends of a time that is known from outside: whatever the machine's speed, the number lies within. */
function assertBetween(value: number, [from, to]: readonly [number, number], why: string): void {
  assert.ok(value >= from && value <= to, `${from} <= ${value} <= ${to}: ${why}`);
}

interface Pair {
  readonly counter: string;
  readonly histogram: string;
  readonly labels: readonly string[];
  /** Of these the histogram has nothing. */
  readonly untimed?: readonly string[];
}

/** A histogram counts what its counter counts. */
function assertCountsOf(page: Samples, { counter, histogram, labels, untimed = [] }: Pair): void {
  const totals = new Map([...sumBy(page, counter, labels)].filter(([key]) => !untimed.includes(key)));
  assert.ok(totals.size > 0, `${counter} must be on the page`);
  assert.deepEqual(withoutZeros(sumBy(page, `${histogram}_count`, labels)), withoutZeros(totals), histogram);
}

function withoutZeros(counts: Counts): Record<string, number> {
  return sorted(new Map([...counts].filter(([, count]) => count !== 0)));
}

function sorted(counts: Counts): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => a < b ? -1 : 1));
}
