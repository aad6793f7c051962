import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { flipOf } from "./flips.ts";
import { at, over, schemaParts } from "./leaves.ts";
import { renderTexts, schemaFaults } from "./many.ts";
import { LEAST } from "./samples.ts";

const CHART_NAMES = Object.keys(CHARTS) as ChartName[];

for (const chart of CHART_NAMES) {
  testWith("helm", `chart ${chart}: every value changes what is rendered`, async () => {
    const { leaves } = await schemaParts(chart);
    const pairs = leaves.map((leaf) => flipOf(chart, leaf));

    const bases = [...new Set(pairs.map(([base]) => base))];
    const texts = await renderTexts(
      chart,
      [...bases, ...pairs.map(([, flipped]) => flipped)].map((one) => JSON.parse(one)),
    );

    const idle = leaves.filter((_, i) => texts[bases.indexOf(pairs[i]?.[0] ?? "")] === texts[bases.length + i]);
    assert.ok(leaves.length > 100, "the schema must be read");
    assert.deepEqual(idle.map(({ path }) => path), []);
  });

  testWith("helm", `chart ${chart} refuses an unknown value, wherever it is`, async () => {
    const { groups } = await schemaParts(chart);
    const paths = groups.map(({ path }) => `${path}.surplus`.replace(/^\./, ""));

    const faults = await schemaFaults(chart, paths.map((path) => over(LEAST[chart], at(path, 1))));

    assert.deepEqual(paths.filter((_, i) => !faults[i]?.includes("'surplus' not allowed")), []);
  });

  Deno.test(`chart ${chart}: every value has a sentence that says what it is`, async () => {
    const { groups, leaves } = await schemaParts(chart);

    const silent = [...groups.slice(1), ...leaves].filter(({ schema }) => !/\w.*\.$/.test(schema.description ?? ""));

    assert.deepEqual(silent.map(({ path }) => path), []);
  });
}
