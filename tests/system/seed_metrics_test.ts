import assert from "node:assert/strict";
import { readAudit } from "../cluster/control_plane.ts";
import { testWith } from "../run/parts.ts";
import { bundle, configMap, deployment, namespace } from "./bundles.ts";
import { type Counts, kubernetesCounts, rowCounts, statementCounts } from "./from_outside.ts";
import { type Samples, scrape, sumBy } from "./metrics_page.ts";
import { startProxy } from "./proxy.ts";
import { countWire, type WireCount } from "./wire_count.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const KINDS = ["select", "insert", "update", "delete"];
const REFRESH_SECONDS = 2;

interface Polls {
  success: number;
  empty: number;
  /** When the last one that was answered came from the agent. */
  lastMs: number;
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
  const { page, outside } = await quietly(() => scrape(world.agent.url), async () => ({
    kubernetes: kubernetesCounts(await readAudit(world.servers.controlPlane ?? assert.fail("no control plane"))),
    heartbeats: wire.answers.get("POST /api/v1/agents/:id/heartbeat 204") ?? 0,
    polls: { ...polls },
    ms: Date.now(),
  }), (series) => series.includes("operations_total") || series.includes("heartbeat") || series.includes("poll"));

  const name = "brokkr_agent_kubernetes_operations_total";
  const inside = sumBy(page, name, ["operation", "result"]);
  assert.deepEqual(withoutZeros(inside), withoutZeros(outside.kubernetes));
  for (
    const moved of [
      "apply success",
      "dry_run success",
      "list success",
      "get success",
      "create success",
      "patch success",
      "delete success",
    ]
  ) {
    assert.ok((inside.get(moved) ?? 0) > 0, `the work must move ${moved}`);
  }
  assertCountsOf(page, {
    counter: name,
    histogram: "brokkr_agent_kubernetes_operation_duration_seconds",
    labels: ["operation"],
  });
  const pollsInside = sumBy(page, "brokkr_agent_poll_requests_total", ["result"]);
  assert.deepEqual(Object.fromEntries(pollsInside), {
    success: outside.polls.success,
    empty: outside.polls.empty,
    error: 0,
  });
  assert.ok(outside.polls.success > 0 && outside.polls.empty > 0, "the work must hold polls of both kinds");
  assertCountsOf(page, {
    counter: "brokkr_agent_poll_requests_total",
    histogram: "brokkr_agent_poll_duration_seconds",
    labels: [],
  });
  assert.equal(page.get("brokkr_agent_heartbeat_sent_total"), outside.heartbeats);
  const lastMs = (page.get("brokkr_agent_last_successful_poll_timestamp") ?? 0) * 1000;
  assertBetween(lastMs, [outside.polls.lastMs, outside.ms], "the last poll ended after it was sent, and before now");
}

async function brokerCountsRight(world: World, wire: WireCount): Promise<void> {
  assert.equal(await world.agent.stop(), 0);
  const server = world.servers.postgres ?? assert.fail("no PostgreSQL");
  const { heartbeatAge } = await rowCounts(server);
  await refreshed(world);
  const { page, outside } = await quietly(() => scrape(world.broker.url), async () => ({
    statements: await statementCounts(server),
    rows: await rowCounts(server),
  }), (series) => series.startsWith("brokkr_database_quer") || series.startsWith("brokkr_stacks"));

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
  assert.equal(page.get("brokkr_active_agents"), outside.rows.agents);
  assert.equal(page.get("brokkr_stacks_total"), outside.rows.stacks);
  assert.equal(page.get("brokkr_deployment_objects_total"), outside.rows.objects);
  assert.deepEqual([outside.rows.agents, outside.rows.stacks, outside.rows.objects], [1, 2, 3]);
  const age = page.get("brokkr_agent_heartbeat_age_seconds") ?? -1;
  assertBetween(age, [heartbeatAge, outside.rows.heartbeatAge], "it was read between these looks at the rows");
  await httpCountsRight(world, wire);
}

/** Waits for a refresh that began after this: what went before, such as the agent's last heartbeat, is in its gauges. */
async function refreshed(world: World): Promise<void> {
  const successes = 'brokkr_job_runs_total{task="refresh_gauges",result="success"}';
  const before = (await scrape(world.broker.url)).get(successes) ?? 0;
  await eventually("the gauges are refreshed", async () => {
    return ((await scrape(world.broker.url)).get(successes) ?? 0) >= before + 2;
  });
}

async function httpCountsRight(world: World, wire: WireCount): Promise<void> {
  const sent = new Map(wire.answers);
  const page = await scrape(world.broker.url);
  assert.deepEqual(
    withoutZeros(sumBy(page, "brokkr_http_requests_total", ["method", "endpoint", "status"])),
    withoutZeros(sent),
  );
  assert.ok(sent.size >= 12, "the work must take many routes");
  assertCountsOf(page, {
    counter: "brokkr_http_requests_total",
    histogram: "brokkr_http_request_duration_seconds",
    labels: ["method", "endpoint"],
    untimed: ["GET /api/v1/agents/:id/changes"], // what is held takes as long as nothing happens
  });
}

/** Looks from outside between two scrapes that agree: nothing happened meanwhile, so both speak of the same moment. */
function quietly<T>(
  look: () => Promise<Samples>,
  outside: () => Promise<T>,
  matters: (series: string) => boolean,
): Promise<{ readonly page: Samples; readonly outside: T }> {
  const essence = (page: Samples) => JSON.stringify([...page].filter(([series]) => matters(series)));
  return eventually("nothing happens for a moment", async () => {
    const page = await look();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const seen = await outside();
    return essence(page) === essence(await look()) ? { page, outside: seen } : undefined;
  }, { seconds: 40 });
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
  assert.deepEqual(sorted(sumBy(page, `${histogram}_count`, labels)), sorted(totals), histogram);
}

function withoutZeros(counts: Counts): Record<string, number> {
  return sorted(new Map([...counts].filter(([, count]) => count !== 0)));
}

function sorted(counts: Counts): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => a < b ? -1 : 1));
}
