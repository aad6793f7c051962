import assert from "node:assert/strict";
import { CATALOGUE } from "../../docs/generate/catalogue.ts";
import { NO_PROBES } from "../../docs/generate/dashboards/query.ts";
import { findParts, readPromql } from "../../docs/generate/promql.ts";
import { dashboards } from "./dashboards.ts";
import { allExpressions, dashboardExpressions } from "./expressions.ts";
import { alertRules, chartFiles, readFile, recordingRules } from "./rule_files.ts";

Deno.test("dashboards: each has a uid of its own, and every panel but a row says what it shows and asks the chosen source", () => {
  const all = dashboards();

  assert.equal(all.length, 3);
  assert.equal(new Set(all.map(({ uid }) => uid)).size, 3);
  for (const { panels, path } of all) {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, path);
    const mute = panels.filter(({ type, description, datasource }) => type !== "row" && !(description && datasource));
    assert.deepEqual(mute.map(({ title }) => title), [], path);
  }
});

Deno.test("dashboards: the cluster is chosen first; what is of the process is closed, with its panels inside", () => {
  for (const { path, rows, templating } of dashboards()) {
    assert.deepEqual(templating.list.slice(0, 2).map(({ name }) => name), ["datasource", "cluster"], path);
    const closed = rows.filter(({ collapsed }) => collapsed === true);
    assert.deepEqual(closed.filter(({ panels }) => panels.length === 0), [], path);
    const isOfPrograms = path.endsWith("-health.json");
    assert.deepEqual(closed.map(({ title }) => title), isOfPrograms ? ["Process", "Telemetry that is sent"] : [], path);
  }
});

Deno.test("dashboards: no panel lies on another or beside the grid", () => {
  for (const { rows, path } of dashboards()) {
    const taken = new Map<string, string>();
    for (const { title, gridPos: { x, y, w, h } } of rows) {
      assert.ok(x + w <= 24, `${path}: ${title}`);
      for (let column = x; column < x + w; column += 1) {
        for (let line = y; line < y + h; line += 1) {
          assert.equal(taken.get(`${column} ${line}`), undefined, `${path}: ${title}`);
          taken.set(`${column} ${line}`, title);
        }
      }
    }
  }
});

Deno.test("dashboards: every variable that a query uses is there", () => {
  for (const { path, templating } of dashboards()) {
    const known = new Set(templating.list.map(({ name }) => name));
    const used = dashboardExpressions(path, readFile(path)).flatMap(({ promql }) => [...promql.matchAll(/\$(\w+)/g)]);

    assert.ok(used.length > 0);
    const lost = used.map(([, name = ""]) => name).filter((name) => !name.startsWith("__") && !known.has(name));
    assert.deepEqual(lost, [], path);
  }
});

Deno.test("dashboards: every metric of the broker, the agent and what is sent is on a panel", () => {
  const shown = chartFiles("dashboards").map(readFile).join("");
  const recorded = recordingRules().filter(({ record }) => shown.includes(record)).map(({ expr }) => expr);
  const texts = [shown, ...recorded, ...recordingRules().filter(isReadBy(recorded)).map(({ expr }) => expr)].join("");

  const lost = [...CATALOGUE.broker, ...CATALOGUE.agent, ...CATALOGUE.telemetry].filter(({ name }) =>
    !texts.includes(name)
  );

  assert.deepEqual(lost.map(({ name }) => name), [], "on no panel: give each one in docs/generate/dashboards/");
});

function isReadBy(expressions: readonly string[]) {
  return ({ record }: { readonly record: string }) => expressions.some((expr) => expr.includes(record));
}

Deno.test("dashboards: each begins with its status, and that with how many alerts fire", () => {
  for (const { path, rows } of dashboards()) {
    const [status, firing, ...others] = rows;
    const panels = others.slice(0, others.findIndex(({ type }) => type === "row"));

    assert.deepEqual([status?.type, status?.title, firing?.title], ["row", "Status", "Alerts firing"], path);
    assert.match(firing?.targets[0]?.expr ?? "", /ALERTS\{.*alertstate="firing"/);
    assert.ok(panels.length >= 10 && panels.every(({ type }) => type === "stat"), path);
  }
});

Deno.test("dashboards: a panel that names an alert changes its colour at the number that the alert's rule marks", () => {
  let coloured = 0;
  for (const { title, description = "", fieldConfig } of dashboards().flatMap(({ panels }) => panels)) {
    const [, alert] = /Coloured from the threshold of (\w+) on\.$/.exec(description) ?? [];
    const { unit, thresholds: { steps } = { steps: [] } } = fieldConfig?.defaults ?? {};
    if (alert === undefined) continue;
    coloured += 1;
    const rule = alertRules().find((one) => one.alert === alert);
    const [, number] = /(?:>|>=|==) ([\d.]+)( # threshold|$)/m.exec(rule?.expr ?? "") ?? [];
    const from = Number(number) + (unit === "none" ? 1 : 0);
    const color = rule?.labels.severity === "critical" ? "red" : "orange";
    assert.deepEqual(steps, [{ color: "green", value: null }, { color, value: from }], `${title}: ${alert}`);
  }
  assert.ok(coloured >= 30);
});

Deno.test("dashboards: a panel's unit is that of what it asks", () => {
  const panels = dashboards().flatMap(({ panels }) => panels).filter(({ targets }) => targets.length > 0);

  const others = panels.flatMap(({ title, targets, fieldConfig }) =>
    targets.filter(({ expr }) => !unitsOf(expr).includes(fieldConfig?.defaults.unit ?? "")).map(({ expr }) =>
      `${title}: ${fieldConfig?.defaults.unit}, and ${unitsOf(expr).join(" or ")} is what is asked: ${expr}`
    )
  );

  assert.ok(panels.length > 80);
  assert.deepEqual(others, []);
});

/** By what is done to it, and then by the end of its name. */
const UNITS: readonly (readonly [pattern: RegExp, units: readonly string[]])[] = [
  [/histogram_quantile\(|:p99|^time\(\)/, ["s"]],
  [/^count |changes\(|increase\((?!.*\/)/, ["none"]],
  [/\/|:ratio_/, ["percentunit"]],
  [/rate\(process_cpu_seconds_total/, ["none"]],
  [/rate\(/, ["ops", "reqps"]],
  [/_seconds\b/, ["s"]],
  [/_bytes\b/, ["bytes"]],
];

/** The units in which an expression may be shown; what follows an "or" is there so that there is a line. */
function unitsOf(expr: string): readonly string[] {
  const asked = expr.replaceAll(/"[^"]*"/g, '""').split(/\nor\n(?=0 \*|vector)/)[0] ?? "";
  return UNITS.find(([pattern]) => pattern.test(asked))?.[1] ?? ["none"];
}

Deno.test("dashboards and rules tell requests apart by one set of paths: agents', all others, all but probes and scrapes", async () => {
  const asked = (await allExpressions()).filter(({ where }) => /^charts\/.*(rules|dashboards)\//.test(where));
  const paths = asked.flatMap(({ where, promql }) => selectorsOfRequests(promql).map((text) => ({ where, text })));
  const matchers = new Set(paths.map(({ text }) => /endpoint(?:=~|!~)"[^"]*"/.exec(text)?.[0] ?? `none: ${text}`));

  const [agents = "", ...others] = [...matchers].filter((one) => one.startsWith("endpoint=~"));
  assert.deepEqual(others, []);
  const ofAgents = agents.replace("endpoint=~", "").replaceAll('"', "");
  const [, probes] = /"(.*)"/.exec(NO_PROBES) ?? [];
  assert.deepEqual([...matchers].sort(), [agents, NO_PROBES, `endpoint!~"${ofAgents}|${probes}"`].sort());
});

function selectorsOfRequests(promql: string): readonly string[] {
  const part = readPromql(promql);
  if ("faults" in part) throw new Error(part.faults.join(", "));
  const selectors = findParts(part, "VectorSelector").map(({ text }) => text);
  return selectors.filter((text) => /^brokkr_http_request(s_total|_duration_seconds_(bucket|count))\b/.test(text));
}
