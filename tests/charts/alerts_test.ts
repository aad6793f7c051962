import assert from "node:assert/strict";
import { parse } from "yaml";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { findParts, readPromql } from "../../docs/generate/promql.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import { chartFolder, render, type Selector, template, the, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

/** A rule as Prometheus has it: `alert` or `record` names it. */
interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Group {
  readonly name: string;
  readonly rules: readonly Rule[];
}

for (const chart of Object.keys(CHARTS) as ChartName[]) {
  const who = chart === "brokkr-broker" ? "Broker" : "Agent";

  testWith("helm", `chart ${chart}: every selector of every rule finds the release's series alone`, async () => {
    const rules = await rulesOf(chart, {});

    const selectors = rules.flatMap(({ expr }) => selectorsOf(expr));
    assert.ok(selectors.length > 10);
    assert.deepEqual(selectors.filter((one) => !one.includes(`{job="${chart}", namespace="place"`)), []);
    assert.deepEqual(rules.filter(({ expr }) => / $/m.test(expr)), [], "YAML would show it on one line, escaped");
  });

  testWith(
    "helm",
    `chart ${chart}: with other labels its rules find what has those, with none what its files find`,
    async () => {
      const [mine, all] = await Promise.all([
        rulesOf(chart, { selector: { cluster: 'a"b\\' } }),
        rulesOf(chart, { selector: {} }),
      ]);

      assert.ok(
        mine.flatMap(({ expr }) => selectorsOf(expr)).every((one) => one.includes(String.raw`{cluster="a\"b\\"`)),
      );
      assert.deepEqual(all.map(({ expr }) => expr), (await rulesInFiles(chart)).map(({ expr }) => expr));
    },
  );

  testWith("helm", `chart ${chart}: an alert of what is absent names the release's namespace and job`, async () => {
    const [absent] = (await rulesOf(chart, {})).filter(({ alert }) => alert === `Brokkr${who}Absent`);

    assert.match(
      absent?.expr ?? "",
      /^absent\(brokkr_build_info\{job="brokkr-\w+", namespace="place", component="\w+"\}\)$/,
    );
  });

  testWith(
    "helm",
    `chart ${chart}: of two releases in one namespace each one's rules look at its own, by its name`,
    async () => {
      const monitored = over(values(chart, {}), {
        metrics: { serviceMonitor: { enabled: true } },
        nameOverride: "staging",
      });
      const objects = await render(chart, monitored);

      const { jobLabel, selector } = the(objects, "ServiceMonitor").spec as unknown as Monitor;
      const rules = (the(objects, "PrometheusRule").spec.groups as readonly Group[]).flatMap(({ rules }) => rules);
      const own = rules.flatMap(({ expr }) => selectorsOf(expr)).filter((text) => /^(up|process_|brokkr_)/.test(text));

      assert.equal(the(objects, "Service").metadata.labels?.[jobLabel], "staging");
      assert.equal(selector.matchLabels[jobLabel], "staging");
      assert.ok(own.length > 20);
      assert.deepEqual(own.filter((text) => !text.includes('job="staging", namespace="place"')), []);
    },
  );

  testWith("helm", `chart ${chart}: a disabled rule is left out, the others stay as they are`, async () => {
    const [all, some] = await Promise.all([rulesOf(chart, {}), rulesOf(chart, { disabled: [`Brokkr${who}Down`] })]);

    assert.deepEqual(some, all.filter(({ alert }) => alert !== `Brokkr${who}Down`));
    assert.equal(some.length, all.length - 1);
  });

  testWith(
    "helm",
    `chart ${chart}: what is overridden of a rule is so, labels for all are on each alert, the rest stays`,
    async () => {
      const name = `Brokkr${who}Down`;
      const over = {
        for: "1h",
        keep_firing_for: "10m",
        labels: { severity: "critical", team: "mine" },
        annotations: { summary: "Ours" },
      };
      const given = { additionalRuleLabels: { team: "platform", tier: "1" }, overrides: { [name]: over } };
      const [before, after] = await Promise.all([rulesOf(chart, {}), rulesOf(chart, given)]);

      const expected = before.map((rule) => ({
        ...rule,
        ...(rule.alert && { labels: { ...rule.labels, ...given.additionalRuleLabels } }),
        ...(rule.alert === name && {
          ...over,
          labels: { ...rule.labels, tier: "1", ...over.labels },
          annotations: { ...rule.annotations, ...over.annotations },
        }),
      }));

      assert.deepEqual(after, expected);
    },
  );

  testWith(
    "helm",
    `chart ${chart}: every marked threshold can be set, and the description says what it is`,
    async () => {
      const marked = (await rulesInFiles(chart)).filter(({ expr }) => /# threshold$/m.test(expr)).map((
        { alert = "" },
      ) => alert);
      const rules = await rulesOf(chart, {
        overrides: Object.fromEntries(marked.map((name) => [name, { threshold: 0.125 }])),
      });

      for (const { alert = "", expr, annotations } of rules.filter(({ alert }) => marked.includes(alert ?? ""))) {
        assert.deepEqual(expr.match(/\S+ # threshold$/gm)?.filter((one) => one !== "0.125 # threshold"), [], alert);
        assert.doesNotMatch(annotations?.description ?? "", /threshold is (?!0\.125, as set\.)/, alert);
        assert.ok(!("faults" in readPromql(expr)), alert);
      }
    },
  );

  testWith(
    "helm",
    `chart ${chart}: an expression of the user's is taken as it is, and groups of the user's follow`,
    async () => {
      const group = { name: "mine", interval: "1m", rules: [{ alert: "Mine", expr: "brokkr_build_info > 2" }] };
      const overrides = { [`Brokkr${who}Down`]: { expr: "up == 2" } };
      const groups = await groupsOf(chart, { overrides, extraGroups: [group] });

      assert.deepEqual(groups.at(-1), group);
      assert.equal(
        groups.flatMap(({ rules }) => rules).find(({ alert }) => alert === `Brokkr${who}Down`)?.expr,
        "up == 2",
      );
    },
  );

  testWith(
    "helm",
    `chart ${chart} refuses what names no rule of its, and a threshold where none is marked`,
    async () => {
      for (
        const [given, said] of [
          [{ disabled: ["BrokkrDwon"] }, /names "BrokkrDwon", which is no rule of this chart; these are: [bB]rokkr/],
          [{ overrides: { BrokkrDwon: {} } }, /names "BrokkrDwon"/],
          [
            { overrides: { [`Brokkr${who}Absent`]: { threshold: 1 } } },
            /overrides\.Brokkr\w+Absent\.threshold has no effect/,
          ],
          [{ overrides: { [`Brokkr${who}Absent`]: { fro: "1m" } } }, /'fro' not allowed/],
        ] as const
      ) {
        const { code, stderr } = await template(chart, values(chart, given));

        assert.notEqual(code, 0);
        assert.match(stderr, said);
      }
    },
  );
}

interface Monitor {
  readonly jobLabel: string;
  readonly selector: Selector;
}

function values(chart: ChartName, prometheusRule: Values): Values {
  return over(LEAST[chart], { metrics: { prometheusRule: { enabled: true, ...prometheusRule } } });
}

async function groupsOf(chart: ChartName, prometheusRule: Values): Promise<readonly Group[]> {
  return the(await render(chart, values(chart, prometheusRule)), "PrometheusRule").spec.groups as readonly Group[];
}

async function rulesOf(chart: ChartName, prometheusRule: Values): Promise<readonly Rule[]> {
  return (await groupsOf(chart, prometheusRule)).flatMap(({ rules }) => rules);
}

async function rulesInFiles(chart: ChartName): Promise<readonly Rule[]> {
  const folder = `${chartFolder(chart)}/rules`;
  const files = [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`).sort();
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  return texts.flatMap((text) => (parse(text) as { groups: readonly Group[] }).groups.flatMap(({ rules }) => rules));
}

function selectorsOf(expr: string): readonly string[] {
  const read = readPromql(expr);
  assert.ok(!("faults" in read), expr);
  return findParts(read, "VectorSelector").map(({ text }) => text);
}
