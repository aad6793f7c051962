import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { helm } from "../helm/helm.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import type { Values } from "./render.ts";
import { AGENT_VALUES } from "./samples.ts";

const CHARTS = fileURLToPath(new URL("../../charts/", import.meta.url));
const IMAGE = { image: { repository: "registry.example/brokkr" } };
const RULES = { metrics: { prometheusRule: { enabled: true } } };
const DASHBOARDS = { metrics: { dashboards: { enabled: true } } };
const MONITOR = { metrics: { serviceMonitor: { enabled: true } } };

testWith("helm", "NOTES of both charts: rules without a monitor are warned of, with one they are not", async () => {
  for (const [chart, alert] of [["brokkr-broker", "BrokkrBrokerAbsent"], ["brokkr-agent", "BrokkrAgentAbsent"]]) {
    const warning = new RegExp(`WARNING: metrics.prometheusRule.enabled without[^]*${alert} fires for ever`);

    assert.match(await notes(chart ?? "", RULES), warning);
    assert.doesNotMatch(await notes(chart ?? "", over(RULES, MONITOR)), /WARNING/);
  }
});

testWith("helm", "NOTES of the broker's chart: dashboards without the rules that they read are warned of", async () => {
  const warning = /WARNING: metrics.dashboards.enabled without metrics.prometheusRule.enabled/;

  assert.match(await notes("brokkr-broker", DASHBOARDS), warning);
  assert.doesNotMatch(await notes("brokkr-broker", over(DASHBOARDS, RULES)), warning);
});

testWith(
  "helm",
  "NOTES of both charts: a monitor that scrapes more seldom than the rules look is warned of",
  async () => {
    for (const chart of ["brokkr-broker", "brokkr-agent"]) {
      for (const name of ["serviceMonitor", "podMonitor"]) {
        const scraped = (interval: string) => notes(chart, { metrics: { [name]: { enabled: true, interval } } });

        assert.match(await scraped("1m1s"), new RegExp(`WARNING: metrics.${name}.interval is 1m1s`));
        assert.doesNotMatch(await scraped("1m"), /WARNING/);
      }
    }
  },
);

testWith(
  "helm",
  "NOTES of the broker's chart: whoever may open no port below 1024 can reach the API as they say",
  async () => {
    assert.match(
      await notes("brokkr-broker", { service: { port: 80 } }),
      / port-forward service\/release-brokkr-broker 3000:80$/m,
    );
  },
);

testWith("helm", "NOTES of the agent's chart: a new agent must be ACTIVE at the broker", async () => {
  assert.match(await notes("brokkr-agent", {}), /until it is ACTIVE at the broker/);
});

/** What an install says, of which no cluster hears. */
async function notes(chart: string, values: Values): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const least = chart === "brokkr-agent" ? over(IMAGE, AGENT_VALUES) : IMAGE;
    await Deno.writeTextFile(file, JSON.stringify(over(least, values)));
    const { code, stdout, stderr } = await helm([
      ...["install", "release", `${CHARTS}${chart}`, "--dry-run=client", "--hide-notes=false", "--values", file],
    ]);
    assert.equal(code, 0, stderr);
    return stdout.slice(stdout.indexOf("NOTES:"));
  } finally {
    await Deno.remove(file);
  }
}
