import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { flipOf } from "./flips.ts";
import { at, over, schemaParts } from "./leaves.ts";
import { template, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

/** What a chart says of a value that is null and can't be: that value's name, and nothing of its templates. */
const SAID =
  /execution error at .*: (?:[\w.]+ is null: leave it out|.* is required|a rule of the NetworkPolicy has no ports|autoscaling)/;
const AT_ONCE = 4;

for (const chart of Object.keys(CHARTS) as ChartName[]) {
  testWith("helm", `chart ${chart}: a value that is null is an empty one, or is refused by its name`, async () => {
    const { groups, leaves } = await schemaParts(chart);
    const ofChart = [...groups.slice(1), ...leaves].filter(({ path }) => !path.startsWith("settings."));
    const wrong: string[] = [];
    const left = ofChart.map((leaf): readonly [string, Values] => {
      const base: Values = leaf.schema.properties ? LEAST[chart] : JSON.parse(flipOf(chart, leaf)[0]);
      return [leaf.path, over(base, at(leaf.path, null))];
    });

    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        const { code, stderr } = await template(chart, one[1]);
        if (code !== 0 && !SAID.test(stderr)) wrong.push(`${one[0]}: ${stderr}`);
      }
    }));

    assert.ok(ofChart.length > 100);
    assert.equal(wrong.join("\n"), "");
  });
}
