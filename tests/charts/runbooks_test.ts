import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { alertRules } from "../promql/rule_files.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import { template, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

const RULES = { enabled: true };

for (const chart of Object.keys(CHARTS) as ChartName[]) {
  testWith(
    "helm",
    `chart ${chart}: every alert's runbook is below the URL that is set; without one there is none`,
    async () => {
      const [without, below] = await Promise.all([
        runbooks(chart, RULES),
        runbooks(chart, { ...RULES, runbookBaseUrl: "https://git.example/brokkr/" }),
      ]);

      assert.deepEqual(without, []);
      const alerts = alertRules().filter(({ path }) => path.startsWith(`charts/${chart}/`));
      const place = "https://git.example/brokkr/docs/content/how-to/answer-alerts.md#";
      assert.deepEqual(below, alerts.map(({ alert }) => `${place}${alert.toLowerCase()}`));
    },
  );
}

async function runbooks(chart: ChartName, prometheusRule: Values): Promise<readonly string[]> {
  const { stdout } = await template(chart, over(LEAST[chart], { metrics: { prometheusRule } }));
  return [...stdout.matchAll(/runbook_url: (\S+)/g)].map(([, url = ""]) => url);
}
