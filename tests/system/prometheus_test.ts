import assert from "node:assert/strict";
import pLimit from "p-limit";
import { z } from "zod";
import { messageOf } from "$lib/error.ts";
import { Delivery } from "$lib/wire/delivery.ts";
import { chartFiles, readFile } from "../promql/rule_files.ts";
import { allExpressions } from "../promql/expressions.ts";
import { operandsOf } from "../promql/operands.ts";
import { type Prometheus, type PrometheusMajor, startPrometheus } from "../prometheus/prometheus.ts";
import { type Part, testWith } from "../run/parts.ts";
import { pause } from "../run/wait.ts";
import { apiClient } from "./api.ts";
import { bundle, configMap, namespace } from "./bundles.ts";
import { asGrafanaAsks, openDashboard } from "./opened_dashboard.ts";
import { startProxy } from "./proxy.ts";
import { scrapeConfig, type Scraped } from "./scrape_config.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PARTS: readonly Part[] = ["postgres", "nodes", "prometheus"];
/** What is looked back at: all of the work, however slow the machine is. */
const RANGE_SECONDS = 600;
const SCRAPE_SECONDS = 2;
const SCRAPES_MIN = 10;
/** As many as Prometheus works on at once where nothing is set. */
const ASKED_AT_ONCE = 20;

testWith(PARTS, "Prometheus 2 and 3 scrape both programs at work in both formats", async (test) => {
  await using receiver = await startPrometheus({ version: 3, config: "{}", receivesOtlp: true });
  const sending = { OTLP__ENDPOINT: receiver.otlpUrl, OTLP__METRICS_INTERVAL_SECONDS: "1" };
  await using world = await openWorld({
    parts: PARTS,
    brokerSettings: { METRICS__REFRESH_INTERVAL: "1", ...sending },
    agentSettings: sending,
  });
  await using plain = plainPages(world);
  await using two = await scraping(2, [...pagesOf(world), ...plain.pages]);
  await using three = await scraping(3, [
    ...pagesOf(world).map((page) => ({ ...page, protocol: "OpenMetricsText1.0.0" as const })),
    ...pagesOf(world, "-text").map((page) => ({ ...page, protocol: "PrometheusText0.0.4" as const })),
  ]);

  await using _working = await work(world);

  for (const [version, prometheus] of [[2, two], [3, three]] as const) {
    await test.step(`version ${version} finds every page up, whole and without fault`, () => assertScraped(prometheus));
    await test.step(`version ${version} takes every rule`, () => assertRules(prometheus));
    await test.step(`version ${version} answers every expression of rules, dashboards and documents`, () => {
      return assertAnswers(prometheus);
    });
  }
});

/**
 * What operators see: deliveries, a failure, a removal, drift, wrong keys, a database that restarts.
 * Deliveries go on until it is let go: expressions that speak of the last seconds have something to say as long.
 */
async function work(world: World): Promise<AsyncDisposable> {
  const inShop = { namespace: "shop" };
  const web = await world.addStack("web");
  const app = (value: number) => bundle(namespace("shop"), configMap("page", { ...inShop, value: String(value) }));
  await world.untilApplied(await world.submit(web, app(0)));
  const bad = await world.submit(await world.addStack("bad"), configMap("page", { namespace: "nowhere" }));
  await eventually("the failure is reported", async () => (await world.events(bad.id))[0]?.status === "FAILURE");
  await world.cluster.remove("/api/v1/namespaces/shop/configmaps/page");
  await apiClient(world.broker.url, "no-key").call("GET", "/stacks");
  const { postgres } = world.servers;
  await postgres?.stop();
  await eventually("the broker says so", async () => (await world.admin.call("GET", "/stacks")).status === 503);
  await pause(SCRAPE_SECONDS * 1_000); // nothing has to have seen it: what failed is counted
  await postgres?.start();
  await eventually("the broker answers", async () => (await world.admin.call("GET", "/stacks")).status === 200);
  const stop = new AbortController();
  const delivering = deliver(world, (value) => world.submit(web, app(value)), stop.signal);
  delivering.catch(() => {}); // it is waited for at the end
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await delivering;
    },
  };
}

async function deliver(
  world: World,
  submit: (value: number) => ReturnType<World["submit"]>,
  signal: AbortSignal,
): Promise<void> {
  for (let value = 1; !signal.aborted; value += 1) {
    const { id } = await submit(value);
    await eventually("it works, and is seen to before it is replaced", async () => {
      const deliveries = await world.admin.send(z.array(Delivery), "GET", "/deliveries?health=healthy");
      return deliveries.some(({ desired }) => desired?.id === id);
    });
    await pause(2_000); // two scrapes have something new to say each time, mostly
  }
}

function pagesOf({ broker, agent }: World, suffix = ""): readonly Scraped[] {
  return [{ job: `broker${suffix}`, url: broker.url }, { job: `agent${suffix}`, url: agent.url }];
}

/** Both programs' pages for who can't say that the text format is wanted: what stands before them says it. */
function plainPages(world: World): { readonly pages: readonly Scraped[] } & AsyncDisposable {
  const proxies = pagesOf(world, "-text").map((page) => {
    const proxy = startProxy((request, forward) => forward(askingForText(request)));
    return { page: { ...page, url: proxy.before(page.url) }, proxy };
  });
  return {
    pages: proxies.map(({ page }) => page),
    async [Symbol.asyncDispose]() {
      await Promise.all(proxies.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
    },
  };
}

function askingForText({ url }: Request): Request {
  return new Request(url, { headers: { accept: "text/plain;version=0.0.4" } });
}

function scraping(version: PrometheusMajor, pages: readonly Scraped[]): Promise<Prometheus> {
  const rules = chartFiles("rules").map((path) => [path.split("/").at(-1) ?? "", readFile(path)] as const);
  return startPrometheus({
    version,
    config: scrapeConfig(pages, { interval: `${SCRAPE_SECONDS}s`, ruleFiles: rules.map(([name]) => name) }),
    files: Object.fromEntries(rules),
    logLevel: "debug",
  });
}

async function assertScraped(prometheus: Prometheus): Promise<void> {
  const jobs = ["agent", "agent-text", "broker", "broker-text"];
  const by = async (expression: string): Promise<Record<string, number>> => {
    const samples = await prometheus.query(expression);
    return Object.fromEntries(samples.map(({ labels, value }) => [labels["job"] ?? "", value]));
  };
  await eventually("every page was scraped many times", async () => {
    const scrapes = await by("count_over_time(up[1h])");
    return jobs.every((job) => (scrapes[job] ?? 0) >= SCRAPES_MIN);
  });
  const failed = await by("count_over_time(up[1h]) - sum_over_time(up[1h])");
  assert.deepEqual(Object.keys(failed).sort(), jobs);
  await assertFailedInTimeOnly(prometheus, Object.values(failed).reduce((sum, count) => sum + count, 0));
  await assertWhole(prometheus, jobs);
  const families = Object.keys(await prometheus.metadata());
  for (const name of ["brokkr_http_requests", "brokkr_agent_poll_requests"]) {
    assert.ok(families.includes(name), `OpenMetrics was not read: ${name} is no family`);
    assert.ok(families.includes(`${name}_total`), `the text format was not read: ${name}_total is no family`);
  }
  await eventually("no target has an error", async () => {
    const errors = (await prometheus.targets()).map(({ lastError }) => lastError);
    assert.deepEqual(errors, jobs.map(() => ""));
    return true;
  });
}

/** A scrape that a busy machine did not answer in two seconds is Prometheus's to give up: there is no other fault. */
async function assertFailedInTimeOnly(prometheus: Prometheus, failed: number): Promise<void> {
  const complaints = (await prometheus.logText()).split("\n").filter((line) =>
    /level="?(warn|error)|append failed|scrape failed|error on ingesting/i.test(line)
  );
  const others = complaints.filter((line) => !/scrape failed.*context deadline exceeded/i.test(line));
  assert.deepEqual(others, []);
  assert.ok(failed <= complaints.length, `${failed} scrapes failed, ${complaints.length} were given up`);
}

/** At every scrape, the page says how many samples Prometheus found on it. */
async function assertWhole(prometheus: Prometheus, jobs: readonly string[]): Promise<void> {
  const endSeconds = Date.now() / 1_000;
  const range = { startSeconds: endSeconds - RANGE_SECONDS, endSeconds, stepSeconds: 0.5 };
  const pairs = "on (job, instance) scrape_samples_scraped";
  const off = await prometheus.queryRange(`brokkr_metrics_series - ${pairs}`, range);
  assert.deepEqual(off.map(({ labels }) => labels["job"]).sort(), jobs);
  for (const { labels, points } of off) {
    const values = new Set(points.map(({ value }) => value));
    assert.deepEqual([...values], [0], `${labels["job"]}: samples that the page counts, less those that are there`);
  }
  const apart = `timestamp(brokkr_metrics_series) - on (job, instance) timestamp(scrape_samples_scraped)`;
  for (const { points } of await prometheus.queryRange(apart, range)) {
    assert.deepEqual([...new Set(points.map(({ value }) => value))], [0], "both must speak of the same scrape");
  }
}

async function assertRules(prometheus: Prometheus): Promise<void> {
  const rules = (await prometheus.rules()).flatMap((group) => group.rules);
  assert.ok(rules.length >= 20);
  const failing = rules.filter(({ health }) => health === "err");
  assert.deepEqual(failing.map(({ name, lastError }) => [name, lastError]), []);
  await eventually("every rule was evaluated", async () => {
    return (await prometheus.rules()).flatMap((group) => group.rules).every(({ health }) => health === "ok");
  });
}

/** Every expression parses; whatever it compares is there, so that it answers when something is wrong. */
async function assertAnswers(prometheus: Prometheus): Promise<void> {
  await eventually("every expression answers", async () => {
    assert.equal((await unanswered(prometheus)).join("\n"), "");
    return true;
  });
}

async function unanswered(prometheus: Prometheus): Promise<readonly string[]> {
  const dashboards = new Map(
    await Promise.all(
      chartFiles("dashboards").map(async (path) => [path, await openDashboard(path, prometheus)] as const),
    ),
  );
  const limit = pLimit(ASKED_AT_ONCE);
  const ask = (promql: string) => limit(() => prometheus.query(promql));
  const faults = (await allExpressions()).map(async ({ where, promql }) => {
    const [path = ""] = where.split(": ");
    const values = dashboards.get(path);
    const query = isOfRule(path) ? promql : asGrafanaAsks(promql, { values, scrapeSeconds: SCRAPE_SECONDS });
    try {
      const others = (await ask(query)).flatMap(({ labels: { job } }) =>
        job === undefined || isOn(path, job) ? [] : [job]
      );
      if (others.length > 0) return [`${where}: shows ${others.join(", ")}`];
      const isOfDashboard = values !== undefined; // dashboards_test.ts asks for their numbers
      const operands = isOfDashboard ? [] : operandsOf(query).map(ofNow);
      const silent = await Promise.all(operands.map(async (operand) => hasNumber(await ask(operand)) ? [] : [operand]));
      return silent.flat().map((operand) => `${where}: "${operand}" answers no number`);
    } catch (error) {
      return [`${where}: ${messageOf(error)}`];
    }
  });
  return (await Promise.all(faults)).flat();
}

/** Whether the path is that of rules, whose `$1` is no variable of Grafana's. */
function isOfRule(path: string): boolean {
  return path.includes("/rules/");
}

/** Programs that work for some minutes have no yesterday. */
function ofNow(operand: string): string {
  return operand.replaceAll(/ offset \d+[dh]/g, "");
}

function hasNumber(samples: readonly { readonly value: number }[]): boolean {
  return samples.some(({ value }) => !Number.isNaN(value));
}

/** Whether the dashboard may show what the job scrapes: one on a program's health shows no other program. */
function isOn(path: string, job: string): boolean {
  const [, program] = /(broker|agent)-health\.json$/.exec(path) ?? [];
  return program === undefined || job.startsWith(program);
}
