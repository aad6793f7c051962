import assert from "node:assert/strict";
import { seriesKey } from "../collector/totals.ts";
import { type Labels, startPrometheus } from "../prometheus/prometheus.ts";
import { chartFiles, readFile } from "../promql/rule_files.ts";
import { testWith } from "../run/parts.ts";
import { OF_PAGE } from "./arrived.ts";
import { configMap } from "./bundles.ts";
import { POD_UID } from "./programs.ts";
import { scrapeConfig } from "./scrape_config.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

/** What Prometheus itself says, of a scrape or of its rules. */
const OF_PROMETHEUS = /^(up|scrape_\w+|ALERTS\w*|brokkr:[\w:]+)$/;

/** The version of an agent before its first heartbeat: who looks later never sees it. */
const UNKNOWN = "unknown";

testWith("prometheus", "Prometheus 3 has what is pushed to it as what it scrapes, but for the target", async (test) => {
  await using receiving = await startPrometheus({ version: 3, receivesOtlp: true, ...receivingConfig() });
  const settings = { OTLP__ENDPOINT: receiving.otlpUrl, OTLP__METRICS_INTERVAL_SECONDS: "1" };
  await using world = await openWorld({ parts: [], brokerSettings: settings, agentSettings: settings });
  const pages = [{ job: "broker", url: world.broker.url }, { job: "agent", url: world.agent.url }];
  await using scraping = await startPrometheus({ version: 3, config: scrapeConfig(pages, { interval: "1s" }) });
  await world.untilApplied(await world.submit(await world.addStack("web"), configMap("page")));

  await test.step("series have the same names and labels", async () => {
    await eventually("they are the same", async () => {
      const [pushed, scraped] = [await receiving.series('{__name__!=""}'), await scraping.series('{__name__!=""}')];
      assert.ok(pushed.length > 300, `only ${pushed.length} series are there`);
      assert.deepEqual(keysOf(pushed), keysOf(scraped));
      return true;
    });
  });

  await test.step("the target is the service and its instance, and target_info says the rest", async () => {
    const infos = await receiving.series("target_info");
    assert.deepEqual(infos.map(({ job, instance, k8s_cluster_name: cluster }) => [job, instance, cluster]).toSorted(), [
      ["brokkr/brokkr-agent", POD_UID, "cluster"],
      ["brokkr/brokkr-broker", POD_UID, undefined],
    ]);
    const jobs = (await receiving.query("count by (job) (brokkr_build_info)")).map(({ labels }) => labels["job"]);
    assert.deepEqual(jobs.toSorted(), ["brokkr/brokkr-agent", "brokkr/brokkr-broker"]);
  });

  await test.step("every rule is taken, and answers", async () => {
    await eventually("every rule has been evaluated", async () => {
      const rules = (await receiving.rules()).flatMap(({ rules }) => rules);
      assert.ok(rules.length > 20);
      assert.deepEqual(
        rules.filter(({ health }) => health === "err").map(({ name, lastError }) => [name, lastError]),
        [],
      );
      return rules.every(({ health }) => health === "ok");
    });
  });
});

function receivingConfig() {
  const files = Object.fromEntries(chartFiles("rules").map((path, at) => [`rules-${at}.yaml`, readFile(path)]));
  return { config: 'rule_files: ["rules-*.yaml"]\nglobal: { evaluation_interval: 1s }\n', files };
}

/** Of each series what does not name its target. */
function keysOf(series: readonly Labels[]): readonly string[] {
  const named = series.filter(({ __name__: name = "", version }) =>
    !(name in OF_PAGE) && !OF_PROMETHEUS.test(name) && !(name === "brokkr_agents_by_version" && version === UNKNOWN)
  );
  return named.map(({ __name__: name = "", job: _job, instance: _instance, ...labels }) => seriesKey(name, labels))
    .toSorted();
}
