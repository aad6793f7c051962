import assert from "node:assert/strict";
import { fleetDashboard } from "../../docs/generate/dashboards/fleet.ts";
import { healthDashboard } from "../../docs/generate/dashboards/health.ts";
import type { Dashboard, Panel } from "../../docs/generate/dashboards/panel.ts";
import { addAgent } from "../alerts/scenarios/fleets.ts";
import { IMPATIENT } from "../alerts/scenarios/agents.ts";
import { operandsOf } from "../promql/operands.ts";
import { alertRules, chartFiles, readFile } from "../promql/rule_files.ts";
import { type Prometheus, type Sample, startPrometheus } from "../prometheus/prometheus.ts";
import { type Part, testWith } from "../run/parts.ts";
import { apiClient } from "./api.ts";
import { configMap } from "./bundles.ts";
import { asGrafanaAsks, openDashboard } from "./opened_dashboard.ts";
import { scrapeConfig } from "./scrape_config.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PARTS: readonly Part[] = ["postgres", "prometheus"];
const SCRAPE_SECONDS = 1;
const SCRAPES = 8;
/** Scrapes and evaluations of that moment are over. */
const SETTLED_SECONDS = 3;
const DASHBOARDS: Readonly<Record<string, () => Dashboard>> = {
  "charts/brokkr-broker/dashboards/fleet.json": fleetDashboard,
  "charts/brokkr-broker/dashboards/broker-health.json": () => healthDashboard("broker"),
  "charts/brokkr-agent/dashboards/agent-health.json": () => healthDashboard("agent"),
};

/** A fleet, and which panels of a status row are coloured once what happens has happened. */
interface Fleet {
  readonly name: string;
  readonly happens: (world: World, scraped: () => Promise<void>) => Promise<void>;
  /** At least; none at all where none is named. */
  readonly coloured: readonly string[];
  /** What some of the fleet's numbers are then. */
  readonly numbers: Readonly<Record<string, number>>;
}

const FLEETS: readonly Fleet[] = [
  {
    name: "healthy",
    coloured: [],
    numbers: {
      ...{ "Agents connected": 1, "Agents late": 0, "Agents lost": 0, "Agents that have never connected": 0 },
      ...{ "Agents heard of lately": 1, "Stacks": 1, "Deployment objects": 1 },
      ...{ "Deliveries healthy": 1, "Deliveries degraded": 0 },
    },
    happens: async (world, scraped) => {
      await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
      await scraped();
    },
  },
  {
    name: "busy",
    coloured: [],
    numbers: { "Agents connected": 1, "Agents heard of lately": 1, "Stacks": 3, "Deliveries degraded": 0 },
    happens: async (world, scraped) => {
      const stacks = await Promise.all(["one", "two", "three"].map((name) => world.addStack(name)));
      const ended = scraped();
      let isOver = false;
      ended.finally(() => isOver = true).catch(() => {});
      for (let value = 1; !isOver; value += 1) {
        const text = (stack: string) => configMap(`page-${stack}`, { value: String(value) });
        const objects = await Promise.all(stacks.map((stack) => world.submit(stack, text(stack))));
        await Promise.all(objects.map((object) => world.untilApplied(object)));
      }
      await ended;
    },
  },
  {
    name: "broken",
    coloured: [
      "fleet.json: Alerts firing",
      "fleet.json: Agents not connected",
      "fleet.json: Agents late or lost",
      "fleet.json: Deliveries stuck",
      "fleet.json: Deliveries failed",
      "broker-health.json: Alerts firing",
      "broker-health.json: Brokers down",
      "broker-health.json: HTTP errors, people and tools",
      "broker-health.json: HTTP errors, agents",
      "broker-health.json: Database errors",
      "agent-health.json: Failed turns",
    ],
    numbers: { "Agents connected": 1, "Agents late": 0, "Agents lost": 3, "Agents that have never connected": 1 },
    happens: breakFleet,
  },
];

/**
 * Three of five agents fall silent, one never connects, a replica is killed, a bundle is refused, and the database is
 * away for a while.
 */
async function breakFleet(world: World, scraped: () => Promise<void>): Promise<void> {
  const silent = await Promise.all(["a", "b", "c"].map((name) => addAgent(world, name)));
  await Promise.all(silent.map(({ beat }) => beat()));
  await addAgent(world, "never");
  const bad = await world.submit(await world.addStack("bad"), configMap("Not A Name"));
  await eventually("the failure is reported", async () => (await world.events(bad.id))[0]?.status === "FAILURE");
  await apiClient(world.broker.url, "no-key").call("GET", "/stacks");
  await scraped();
  await world.servers.postgres?.stop();
  for (let asked = 0; asked < 5; asked += 1) {
    await eventually("it is refused", async () => (await world.admin.call("GET", "/generators")).status === 503);
  }
  await scraped();
  await world.servers.postgres?.start();
  await eventually("the broker answers", async () => (await world.admin.call("GET", "/stacks")).status === 200);
  await scraped();
}

for (const { name, happens, coloured, numbers } of FLEETS) {
  testWith(
    PARTS,
    `dashboards: every panel answers for a ${name} fleet, with the number that its alert looks at`,
    async () => {
      await using receiver = await startPrometheus({ version: 3, config: "{}", receivesOtlp: true });
      const sending = { OTLP__ENDPOINT: receiver.otlpUrl, OTLP__METRICS_INTERVAL_SECONDS: "1" };
      await using world = await openWorld({
        parts: PARTS,
        brokerSettings: { METRICS__REFRESH_INTERVAL: "1", ...sending, ...(name === "broken" ? IMPATIENT : {}) },
        agentSettings: sending,
      });
      const replica = name === "broken" ? await world.startReplica() : undefined;
      await using prometheus = await scraping(world, replica === undefined ? [] : [replica.url]);
      await untilScraped(prometheus);
      await replica?.kill();

      await happens(world, () => untilScraped(prometheus));

      const said = await eventually("every panel has an answer without fault", async () => {
        const answers = await askedAll(prometheus);
        assert.equal(answers.flatMap(({ faults }) => faults).join("\n"), "");
        const now = answers.flatMap(colouredNow);
        assert.deepEqual(coloured.filter((panel) => !now.includes(panel)), []);
        if (coloured.length === 0) assert.deepEqual(now, []);
        assert.deepEqual(numbersOf(answers, Object.keys(numbers)), numbers);
        return answers;
      });
      console.log(table(said));
    },
  );
}

async function scraping(world: World, replicas: readonly string[]): Promise<Prometheus> {
  const rules = chartFiles("rules").map((path) => [path.split("/").at(-1) ?? "", readFile(path)] as const);
  const pages = [{ job: "broker", url: world.broker.url, replicas }, { job: "agent", url: world.agent.url }];
  const config = scrapeConfig(pages, { interval: `${SCRAPE_SECONDS}s`, ruleFiles: rules.map(([name]) => name) });
  return await startPrometheus({ version: 3, config, files: Object.fromEntries(rules) });
}

/** Waits for as many scrapes more as rates need. */
async function untilScraped(prometheus: Prometheus): Promise<void> {
  const scrapes = async () => {
    const counts = await prometheus.query("count_over_time(up[1h])");
    return counts.length < 2 ? 0 : Math.min(...counts.map(({ value }) => value));
  };
  const before = await scrapes();
  await eventually("every page was scraped many times", async () => await scrapes() >= before + SCRAPES);
}

/** What a panel answers, and what is wrong with that. */
interface Answer {
  readonly dashboard: string;
  readonly panel: Panel;
  readonly samples: readonly Sample[];
  readonly faults: readonly string[];
}

async function askedAll(prometheus: Prometheus): Promise<readonly Answer[]> {
  const atSeconds = Date.now() / 1_000 - SETTLED_SECONDS;
  const answers: Answer[] = [];
  for (const [path, dashboard] of Object.entries(DASHBOARDS)) {
    const values = await openDashboard(path, prometheus);
    const ask = (promql: string) =>
      prometheus.query(asGrafanaAsks(promql, { values, scrapeSeconds: SCRAPE_SECONDS }), atSeconds);
    for (const panel of dashboard().rows.flatMap(({ panels }) => panels)) {
      answers.push({ dashboard: path.replace(/.*\//, ""), panel, ...await askedOne(panel, ask) });
    }
  }
  return answers;
}

type Ask = (promql: string) => Promise<readonly Sample[]>;

async function askedOne({ title, unit, queries }: Panel, ask: Ask): Promise<Pick<Answer, "samples" | "faults">> {
  const [all, faults]: [Sample[], string[]] = [[], []];
  for (const { promql, legend, alert, mayBeEmpty = false } of queries) {
    const samples = await ask(promql);
    all.push(...samples);
    if (samples.length === 0 && !mayBeEmpty) faults.push(`${title} (${legend}): is empty`);
    const values = samples.map(({ value }) => value);
    if (!values.every(Number.isFinite)) faults.push(`${title} (${legend}): ${values.join()}`);
    const most = unit === "percentunit" ? 1.0001 : Infinity;
    if (values.some((value) => value < 0 || value > most)) {
      faults.push(`${title} (${legend}): ${values.join()} ${unit}`);
    }
    if (alert === undefined) continue;
    const wanted = await seenByAlert(alert, { ask, isCount: promql.startsWith("count ") });
    if (values[0] !== wanted) faults.push(`${title}: ${values.join()}, and ${alert} looks at ${wanted}`);
  }
  return { samples: all, faults };
}

/** The number that the alert compares, of the worst release, or for how many it answers; 0 where there is none. */
async function seenByAlert(alert: string, { ask, isCount }: { readonly ask: Ask; readonly isCount: boolean }) {
  const expr = alertRules().find((rule) => rule.alert === alert)?.expr ?? "";
  const samples = await ask(isCount ? expr : operandsOf(expr)[0] ?? "");
  const values = samples.map(({ value }) => value).filter((value) => !Number.isNaN(value));
  return isCount ? values.length : Math.max(0, ...values);
}

/**
 * Whether a number of a status row is over the threshold of its alert, or says at once that something is wrong; times
 * are left out, which are the machine's.
 */
function colouredNow({ dashboard, panel, samples }: Answer): readonly string[] {
  const { title, queries: [query], shows, wrongAt } = panel;
  const [value = 0] = samples.map(({ value }) => value);
  const rule = alertRules().find(({ alert }) => alert === query?.alert);
  const [, operator, threshold] = /(>=?|==) ([\d.]+)( # threshold|$)/m.exec(rule?.expr ?? "") ?? [];
  const isOver = operator === ">=" ? value >= Number(threshold) : value > Number(threshold);
  const isWrong = shows === "number" && panel.unit !== "s" &&
    (wrongAt === undefined ? isOver : (value === 0) === (wrongAt === 0));
  return isWrong ? [`${dashboard}: ${title}`] : [];
}

/** What these panels of the fleet's dashboard show. */
function numbersOf(answers: readonly Answer[], titles: readonly string[]): Readonly<Record<string, number>> {
  const shown = answers.filter(({ dashboard, panel }) => dashboard === "fleet.json" && titles.includes(panel.title));
  return Object.fromEntries(shown.map(({ panel, samples }) => [panel.title, samples[0]?.value ?? NaN]));
}

/** A line for each panel: its title, its unit, and the least and the greatest of what it answers. */
function table(answers: readonly Answer[]): string {
  return answers.map(({ dashboard, panel: { title, unit }, samples }) => {
    const values = samples.map(({ value }) => Number(value.toPrecision(3)));
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const range = least === most ? `${least}` : `${least} to ${most}`;
    return `${dashboard.padEnd(20)} ${title.padEnd(56)} ${unit.padEnd(12)} ${range} (${values.length})`;
  }).join("\n");
}
