import assert from "node:assert/strict";
import { STORE_METRICS } from "../../broker/metrics.ts";
import { alertRules, testedRules } from "../promql/rule_files.ts";
import type { PrometheusMajor } from "../prometheus/binaries.ts";
import { promtool, type Verdict } from "../prometheus/promtool.ts";
import { testWith } from "../run/parts.ts";
import { casesOf, coverageFaults, FURTHER_CASES, type Way } from "./cases.ts";
import { keptRecording, metricsOfAlerts } from "./fixtures.ts";
import { type AlertCase, promtoolFiles } from "./promtool_cases.ts";
import type { Scenario } from "./scenario.ts";
import { MANIFEST_REFUSED, ROLLOUT } from "./scenarios/clusters.ts";
import { SCENARIOS } from "./scenarios/mod.ts";

const MAJORS = [2, 3] as const;
/** A program runs once, or twice, or with a second agent that stands by, and is scraped; or it sends by OTLP. */
const WAYS: readonly Way[] = [
  { replicas: 1 },
  { replicas: 2 },
  { beside: ["standby"], ends: ["BrokkrAgentAbsent", "BrokkrAgentGone"] },
  { isPushed: true, without: ["BrokkrBrokerDown", "BrokkrAgentDown"] }, // they ask whether a scrape was answered
];

Deno.test("repository: every alert has a recording in which it fires and resolves", () => {
  const alerts = alertRules().map(({ alert }) => alert);

  assert.deepEqual(coverageFaults(alerts, SCENARIOS), []);
});

Deno.test("repository: an alert on what leaves the page while the database is away goes on until it can be back", () => {
  const ofStore = new Set<string>(Object.values(STORE_METRICS).map(({ name }) => name));
  const looking = alertRules().filter(({ alert }) => [...metricsOfAlerts([alert])].some((name) => ofStore.has(name)));

  assert.ok(looking.length > 10);
  assert.deepEqual(looking.filter((rule) => rule.keep_firing_for === undefined).map(({ alert }) => alert), []);
});

Deno.test("repository: every recording is long enough before the break, in it and after it", () => {
  for (const scenario of SCENARIOS) {
    const { broken, mended, steps, pages } = keptRecording(scenario);

    assert.ok(broken >= 5 && mended - broken >= 5 && steps - mended >= 5, scenario.name);
    for (const page of pages.values()) {
      assert.deepEqual([...page].filter(([, values]) => values.length !== steps), [], scenario.name);
    }
  }
});

Deno.test("repository: while stacks come and go, none of the agent's requests counts as an error", () => {
  const requests = kubernetesRequests(ROLLOUT);

  assert.ok((requests.get("success") ?? 0) > 100, "the recording must hold requests");
  assert.equal(requests.get("error"), 0);
});

Deno.test("repository: an object that the API server refuses is a request refused, and no error", () => {
  const requests = kubernetesRequests(MANIFEST_REFUSED);

  assert.ok((requests.get("refused") ?? 0) >= 1);
  assert.equal(requests.get("error"), 0);
});

/** How many requests to Kubernetes were counted while a scenario was recorded, by result. */
function kubernetesRequests(scenario: Scenario): ReadonlyMap<string, number> {
  const { pages } = keptRecording(scenario);
  const counted = new Map<string, number>();
  for (const [series, values] of pages.get("agent") ?? []) {
    const [, result] = /^brokkr_agent_kubernetes_operations_total\{.*result="(\w+)"/.exec(series) ?? [];
    if (result === undefined) continue;
    counted.set(result, (counted.get(result) ?? 0) + (values.at(-1) ?? 0) - (values[0] ?? 0));
  }
  return counted;
}

Deno.test("coverageFaults() names an alert without a scenario, and a scenario's alert without a rule", () => {
  const scenario = { name: "x", alerts: ["A", "C"], record: () => Promise.reject(new Error("never")) };

  assert.deepEqual(coverageFaults(["A", "B"], [scenario]), [
    "B: no scenario makes it fire",
    'C: "x" is for it, and no rule has it',
  ]);
});

for (const version of MAJORS) {
  testWith("prometheus", `alert rules: promtool passes every file (version ${version})`, async () => {
    for (const path of testedRules().rule_files) {
      const { code, lines } = await promtool(version).checkRules(path);
      assert.equal(code, 0, lines.join("\n"));
    }
  });

  for (const scenario of SCENARIOS.filter(hasClaims)) {
    const claim = `${scenario.name}: its alerts fire once and resolve, and others are silent (version ${version})`;
    testWith("prometheus", claim, async () => {
      const { code, lines } = await tested(version, casesOf(scenario, WAYS));
      assert.equal(code, 0, lines.join("\n"));
    });
  }
}

function hasClaims(scenario: Scenario): boolean {
  const { alerts, silent = [] } = scenario;
  return alerts.length + silent.length > 0 || FURTHER_CASES.some((one) => one.scenario === scenario);
}

/** What promtool says of some cases. */
async function tested(version: PrometheusMajor, cases: readonly AlertCase[]): Promise<Verdict> {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-alert-" });
  try {
    const files = promtoolFiles(cases, testedRules()).map((text, at) => ({ path: `${folder}/${at}.yaml`, text }));
    for (const { path, text } of files) await Deno.writeTextFile(path, text);
    return await promtool(version).testRules(...files.map(({ path }) => path));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
