import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { readSettings } from "$lib/settings.ts";
import { telemetryPlan } from "$lib/telemetry/plan.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { readBrokerSettings } from "../../broker/settings.ts";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { over } from "../charts/leaves.ts";
import { render, type Rendered, the, type Values } from "../charts/render.ts";
import { AGENT_VALUES } from "../charts/samples.ts";
import { promtool } from "../prometheus/promtool.ts";
import { alertRules, chartFiles, readFile } from "../promql/rule_files.ts";
import { testWith } from "../run/parts.ts";
import { type Block, blocksOf } from "./blocks.ts";
import { kindOf, layOut, linkedRules, MONITORING, monitoringBlocks } from "./monitoring.ts";

const PAGE_COLUMNS = 120;
const LEAST: Readonly<Record<ChartName, Values>> = { "brokkr-broker": {}, "brokkr-agent": AGENT_VALUES };
const CHART_NAMES = Object.keys(CHARTS) as ChartName[];
const SCRAPED = { metrics: { serviceMonitor: { enabled: true } } };

Deno.test("monitoring.md: every block is of a kind that is tried, and every kind is there", async () => {
  const kinds = Object.groupBy(await blocksOf(MONITORING), kindOf);

  const counts = Object.fromEntries(Object.entries(kinds).map(([kind, blocks]) => [kind, blocks?.length]));

  assert.equal(kinds.unknown?.map(({ where }) => where).join(), undefined);
  assert.ok((counts["promql"] ?? 0) > 40);
  assert.deepEqual({ ...counts, promql: 0 }, {
    promql: 0,
    configuration: 2,
    settings: 2,
    values: 1,
    monitors: 1,
  });
});

for (const version of [2, 3] as const) {
  testWith(
    "prometheus",
    `monitoring.md: each configuration passes as pasted, with the rules that it names (version ${version})`,
    async () => {
      await using folder = await layOut();
      for (const { path, where } of folder.configurations) {
        const { code, lines } = await promtool(version).checkConfig(path);

        assert.equal(code, 0, `${where}\n${lines.join("\n")}`);
      }
      const [plain] = folder.configurations;
      const { lines } = await promtool(version).checkConfig(plain?.path ?? "");
      assert.equal(lines.filter((line) => /SUCCESS: \d+ rules found/.test(line)).length, 2, lines.join("\n"));
    },
  );
}

Deno.test("monitoring.md: leads to every file of rules, once, and pastes none", async () => {
  assert.deepEqual([...linkedRules()].sort(), chartFiles("rules"));
  assert.deepEqual((await blocksOf(MONITORING)).filter(({ text }) => /^ *- alert:/m.test(text)), []);
});

Deno.test("monitoring.md: scrape, alerts, dashboards and metrics follow each other, the four alerts of the owner first", () => {
  const page = readFile(MONITORING);

  const order = ["## Scrape", "## Alerts", "## Dashboards", "## Metrics"].map((heading) =>
    page.indexOf(`\n${heading}\n`)
  );
  assert.deepEqual(order, [...order].sort((one, other) => one - other));
  assert.ok(order.every((at) => at > 0));
  const alerts = [...page.matchAll(/^\| \[(Brokkr\w+)\]/gm)].map(([, name]) => name);
  assert.deepEqual(alerts.slice(0, 4), [
    "BrokkrHttpErrors",
    "BrokkrAgentDisconnected",
    "BrokkrDatabaseLatency",
    "BrokkrAgentKubernetesErrors",
  ]);
  assert.deepEqual(alerts.toSorted(), alertRules().map(({ alert }) => alert).toSorted());
});

Deno.test("monitoring.md: no table is wider than a page", () => {
  const rows = readFile(MONITORING).split("\n").filter((line) => /^\| (?!-)/.test(line));
  const shown = rows.map((row) => row.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/ +(?= \|)|`/g, ""));

  assert.ok(shown.length > 50);
  assert.deepEqual(shown.filter((row) => row.length > PAGE_COLUMNS), []);
});

Deno.test("monitoring.md: the settings for a port and a token are settings of both programs", async () => {
  for (const settings of await settingsWith("[metrics]")) {
    assert.equal(settings["metrics.port"], 9090);
    assert.equal(settings["metrics.bearer_token_file"], "/etc/brokkr/scrape-token");
  }
});

Deno.test("monitoring.md: the settings for a push are settings of both programs, and switch it on", async () => {
  for (const settings of await settingsWith("[otlp]")) {
    const surroundings = { env: {}, origins: NOTHING_ELSE, readFile: () => "" };

    const { metrics, warnings } = telemetryPlan(settings, surroundings);

    assert.deepEqual([String(metrics?.target.url), warnings], ["http://collector.example:4318/v1/metrics", []]);
  }
});

const NOTHING_ELSE = { taken: new Map(), refused: [], defaults: new Set<string>() };

/** Both programs' settings with the page's one block that has such a section. */
async function settingsWith(section: string) {
  const [block, ...others] = (await monitoringBlocks("settings")).filter(({ text }) => text.includes(section));
  assert.ok(block !== undefined && others.length === 0, section);
  const sources = { args: [], env: { BROKKR_CONFIG_FILE: "/etc/brokkr.toml" }, readFile: () => block.text };
  const agent = { ...sources, env: { ...sources.env, ...AGENT_ENVIRONMENT } };
  return [readBrokerSettings(sources).settings, readSettings(AGENT_DECLARATIONS, agent).settings];
}

const AGENT_ENVIRONMENT = {
  BROKKR__AGENT__BROKER_URL: "https://broker.example",
  BROKKR__AGENT__PAK: "brokkr_BRkey",
  BROKKR__AGENT__AGENT_NAME: "edge-1",
  BROKKR__AGENT__CLUSTER_NAME: "berlin",
};

for (const chart of CHART_NAMES) {
  testWith("helm", `monitoring.md: with its values chart ${chart} makes all that the page says`, async () => {
    for (const { text } of await monitoringBlocks("values")) {
      const objects = await render(chart, over(LEAST[chart], parse(text)));

      const { spec, metadata } = the(objects, "ServiceMonitor");
      assert.partialDeepStrictEqual(spec.endpoints, [{ interval: "30s" }]);
      assert.equal(metadata.labels?.["release"], "prometheus");
      assert.equal(the(objects, "PrometheusRule").metadata.labels?.["release"], "prometheus");
      assert.ok(the(objects, "ConfigMap", "-health").data !== undefined);
    }
  });

  testWith(
    "helm",
    `monitoring.md: the ServiceMonitor by hand finds what chart ${chart} makes, as its own`,
    async () => {
      const objects = await render(chart, over(LEAST[chart], SCRAPED));
      const made = the(objects, "ServiceMonitor").spec;
      const byHand = (await monitors()).find(({ metadata }) => metadata.name === chart)?.spec;

      const { labels } = the(objects, "Service").metadata;

      assert.ok(byHand !== undefined);
      const { matchLabels } = byHand.selector;
      assert.deepEqual({ ...byHand, selector: made.selector }, made);
      assert.deepEqual(Object.entries(matchLabels).filter(([name, value]) => labels?.[name] !== value), []);
    },
  );
}

testWith("helm", "monitoring.md: a token is named in a ServiceMonitor as the page says", async () => {
  const [, said = ""] = /`authorization: (.*)`/.exec(readFile(MONITORING)) ?? [];
  const bearerToken = { existingSecret: "<secret>", existingSecretKey: "token" };

  const objects = await render("brokkr-broker", over(SCRAPED, { metrics: { ...SCRAPED.metrics, bearerToken } }));

  assert.partialDeepStrictEqual(the(objects, "ServiceMonitor").spec.endpoints, [{ authorization: parse(said) }]);
});

/** The page's ServiceMonitors. */
async function monitors(): Promise<readonly Rendered[]> {
  const blocks: readonly Block[] = await monitoringBlocks("monitors");
  return blocks.flatMap(({ text }) => parseAllDocuments(text).map((one) => one.toJS() as Rendered));
}
