import assert from "node:assert/strict";
import { CATALOGUE } from "../../docs/generate/catalogue.ts";
import { checkPromql } from "./check.ts";
import { allExpressions, dashboardExpressions, documentExpressions } from "./expressions.ts";
import { type AlertRule, alertRules, readFile } from "./rule_files.ts";
import { fullVocabulary } from "./vocabulary.ts";

const RUNBOOKS = "docs/content/how-to/answer-alerts.md";
/** What Prometheus's templates may do to a value. */
const FORMATS = ["humanize", "humanizeDuration", "humanizePercentage"];

Deno.test("repository: every PromQL expression names only what is declared", async () => {
  const vocabulary = fullVocabulary();

  const faults = (await allExpressions()).flatMap(({ where, promql }) =>
    checkPromql(promql, vocabulary).faults.map((fault) => `${where}: ${fault}`)
  );

  assert.equal(faults.join("\n"), "");
});

Deno.test("repository: every alert's words use only labels that its expression leaves", () => {
  assert.equal(alertRules().flatMap(templateFaults).join("\n"), "");
});

Deno.test("repository: every alert has a name of its own, which begins with Brokkr", () => {
  const names = alertRules().map(({ alert }) => alert);

  assert.ok(names.length >= 20);
  assert.deepEqual(names.filter((name, at) => !/^Brokkr[A-Z]\w+$/.test(name) || names.indexOf(name) !== at), []);
});

Deno.test("repository: every alert has a section of the documents, which the charts' runbook_url names", () => {
  const sections = new Set([...readFile(RUNBOOKS).matchAll(/^#+ (\w+)$/gm)].map(([, name]) => name));

  const lost = alertRules().filter(({ alert }) => !sections.has(alert));

  assert.deepEqual(lost.map(({ alert }) => alert), []);
});

Deno.test("repository: every alert's description ends with what to do first, so that who has no runbook can begin", () => {
  const without = alertRules().filter(({ annotations }) => !/\. First: [^.]+[.?]$/.test(annotations.description));

  assert.deepEqual(without.map(({ alert }) => alert), []);
});

Deno.test("repository: every alert's section begins with what to paste", () => {
  const page = readFile(RUNBOOKS);

  const without = alertRules().filter(({ alert }) =>
    !new RegExp(`^### ${alert}\\n\\n\`\`\`(?:promql|sh)\\n`, "m").test(page)
  );

  assert.deepEqual(without.map(({ alert }) => alert), []);
});

/** What an alert on one program is enough for. */
const OF_ONE = ["brokkr_metrics_series_rejected_total"]; // an agent's labels are all closed sets

Deno.test("repository: what both programs show is alerted on in both charts: a release's rules see its own series", () => {
  const shown = [...CATALOGUE.both, ...CATALOGUE.telemetry].map(({ name }) => name).filter((one) =>
    !OF_ONE.includes(one)
  );
  const files = Map.groupBy(alertRules(), ({ path }) => path);

  const asked = [...files.values()].map((rules) =>
    shown.filter((name) => rules.some(({ expr }) => new RegExp(`\\b${name}\\b`).test(expr)))
  );

  assert.equal(asked.length, 2);
  assert.deepEqual(asked[0], asked[1]);
  assert.ok(asked[0]?.includes("brokkr_telemetry_exports_total"));
});

Deno.test("repository: rules and dashboards ask for nothing but what prometheus-and-grafana.md says is to be passed on", async () => {
  const page = readFile("docs/content/how-to/prometheus-and-grafana.md").replaceAll(/\s+/g, " ");
  const asked = (await allExpressions()).filter(({ where }) => /^charts\/.*(rules|dashboards)\//.test(where));
  const known = [...fullVocabulary().keys()];
  const names = known.filter((name) => asked.some(({ promql }) => promql.includes(name)));

  assert.ok(names.length > 50);
  // ALERTS is Prometheus's own.
  const others = names.filter((name) => !/^(up$|brokkr|process_|deno_|ALERTS$)/.test(name));

  assert.match(page, /has to pass .*: `up`, and names that begin with `brokkr`, `process_` or `deno_`\./);
  assert.deepEqual(others, []);
});

Deno.test("allExpressions() finds those of rules, examples, documents and dashboards", async () => {
  const places = (await allExpressions()).map(({ where }) => where);

  for (const place of [/^charts\/.*rules/, /^the example of/, /^docs\/content\/.*\.md:\d+$/, /^charts\/.*dashboards/]) {
    assert.ok(places.some((where) => place.test(where)), String(place));
  }
});

Deno.test("documentExpressions() says the line; dashboardExpressions() reads variables as queries", () => {
  const dashboard = {
    panels: [{ title: "Row" }, { title: "Rate", targets: [{ expr: "up" }] }],
    templating: { list: [{ name: "job", type: "query", definition: 'label_values(up{job="x"}, job)' }] },
  };

  assert.deepEqual(documentExpressions("a.md", "# A\n\n```promql\nup\n```\n"), [{ where: "a.md:3", promql: "up\n" }]);
  assert.deepEqual(dashboardExpressions("a.json", JSON.stringify(dashboard)), [
    { where: "a.json: Rate", promql: "up" },
    { where: "a.json: variable job", promql: 'group by (job) (up{job="x"})' },
  ]);
});

function templateFaults({ path, alert, expr, annotations }: AlertRule): readonly string[] {
  const { labels } = checkPromql(expr, fullVocabulary());
  const actions = Object.values(annotations).flatMap((text) => [...text.matchAll(/\{\{(.*?)\}\}/g)]);
  const unknown = actions.map(([, action = ""]) => action.trim()).filter((action) => {
    const [, label] = /^\$labels\.(\w+)$/.exec(action) ?? [];
    if (label !== undefined) return !labels.has(label);
    const [value, format, ...rest] = action.split(/ \| /);
    return value !== "$value" || rest.length > 0 || (format !== undefined && !FORMATS.includes(format));
  });
  return unknown.map((action) => `${path}: ${alert}: "{{ ${action} }}" is nothing that this alert has`);
}
