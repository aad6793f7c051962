import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import type { PrometheusMajor } from "./binaries.ts";
import { promtool } from "./promtool.ts";

const MAJORS: readonly PrometheusMajor[] = [2, 3];
const GOOD_PAGE = "# HELP shop_orders_total Orders.\n# TYPE shop_orders_total counter\nshop_orders_total 7\n";
const RULES = "groups: [{ name: shop, rules: [{ alert: ManyOrders, expr: 'shop_orders_total > 5' }] }]\n";
const CASES = (alerts: string) => `
rule_files: [rules.yaml]
tests:
  - input_series: [{ series: shop_orders_total, values: "7x3" }]
    alert_rule_test: [{ eval_time: 1m, alertname: ManyOrders, exp_alerts: ${alerts} }]
`;

for (const version of MAJORS) {
  testWith(
    "prometheus",
    `checkMetrics() passes a good page and complains of a bad one (version ${version})`,
    async () => {
      const { checkMetrics } = promtool(version);

      const good = await checkMetrics(GOOD_PAGE);
      const ugly = await checkMetrics(GOOD_PAGE.replace("counter", "gauge"));
      const broken = await checkMetrics("shop_orders_total seven\n");

      assert.deepEqual(good, { code: 0, lines: [] });
      assert.deepEqual(ugly, {
        code: 3,
        lines: ['shop_orders_total non-counter metrics should not have "_total" suffix'],
      });
      assert.equal(broken.code, 1);
      assert.match(broken.lines.join("\n"), /expected float as value, got "seven"/);
    },
  );

  testWith("prometheus", `checkRules() passes good rules and refuses broken ones (version ${version})`, async () => {
    await using folder = await folderOf({ "good.yaml": RULES, "broken.yaml": RULES.replace("> 5", "> ") });
    const { checkRules } = promtool(version);

    const good = await checkRules(`${folder.path}/good.yaml`);
    const broken = await checkRules(`${folder.path}/broken.yaml`);

    assert.equal(good.code, 0);
    assert.match(good.lines.join("\n"), /SUCCESS: 1 rules found/);
    assert.equal(broken.code, 1);
    assert.match(broken.lines.join("\n"), /could not parse expression.*unexpected end of input/);
  });

  testWith(
    "prometheus",
    `testRules() passes a case that holds and fails one that does not (version ${version})`,
    async () => {
      await using folder = await folderOf({
        "rules.yaml": RULES,
        "fires.yaml": CASES("[{ exp_labels: {} }]"),
        "quiet.yaml": CASES("[]"),
      });
      const { testRules } = promtool(version);

      const fires = await testRules(`${folder.path}/fires.yaml`);
      const quiet = await testRules(`${folder.path}/quiet.yaml`);

      assert.deepEqual([fires.code, fires.lines.at(-1)?.trim()], [0, "SUCCESS"]);
      assert.equal(quiet.code, 1);
      assert.match(quiet.lines.join("\n"), /FAILED:[^]*exp:\[\][^]*got:\[/);
    },
  );

  testWith(
    "prometheus",
    `checkConfig() passes a configuration and refuses one that it cannot read (version ${version})`,
    async () => {
      await using folder = await folderOf({
        "rules.yaml": RULES,
        "good.yaml": "rule_files: [rules.yaml]\n",
        "broken.yaml": "scrape_config: []\n",
      });
      const { checkConfig } = promtool(version);

      const good = await checkConfig(`${folder.path}/good.yaml`);
      const broken = await checkConfig(`${folder.path}/broken.yaml`);

      assert.equal(good.code, 0);
      assert.equal(broken.code, 1);
      assert.match(broken.lines.join("\n"), /field scrape_config not found/);
    },
  );
}

async function folderOf(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "brokkr-promtool-" });
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${path}/${name}`, text);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
