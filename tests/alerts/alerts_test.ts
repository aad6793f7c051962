import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { alertRules, chartFiles } from "../promql/rule_files.ts";
import type { PrometheusMajor } from "../prometheus/binaries.ts";
import { promtool, type Verdict } from "../prometheus/promtool.ts";
import { testWith } from "../run/parts.ts";
import { alertCases, coverageFaults, FURTHER_CASES, recordedCase } from "./cases.ts";
import { keptRecording } from "./fixtures.ts";
import { type AlertCase, promtoolTest } from "./promtool_cases.ts";
import type { Scenario } from "./scenario.ts";
import { MANIFEST_REFUSED, ROLLOUT } from "./scenarios/clusters.ts";
import { SCENARIOS } from "./scenarios/mod.ts";

const ROOT = new URL("../../", import.meta.url);
const MAJORS = [2, 3] as const;
/** How often a program runs: once, twice, and with a second agent that stands by. */
const REPLICAS = [{ replicas: 1 }, { replicas: 2 }, { beside: ["standby"] }] as const;
/** Alerts that are rightly silent where a second agent is there, though it stands by. */
const ENDED_BY_STANDBY = ["BrokkrAgentAbsent", "BrokkrAgentGone"];

function ruleFiles(): readonly string[] {
  return chartFiles("rules").map((path) => fileURLToPath(new URL(path, ROOT)));
}

Deno.test("repository: every alert has a recording in which it fires and resolves", () => {
  const alerts = alertRules().map(({ alert }) => alert);

  assert.deepEqual(coverageFaults(alerts, SCENARIOS), []);
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
    for (const path of ruleFiles()) {
      const { code, lines } = await promtool(version).checkRules(path);
      assert.equal(code, 0, lines.join("\n"));
    }
  });

  for (const named of alertCases(SCENARIOS)) {
    const claim = `${named.alert}: fires in "${named.scenario.name}", and resolves (version ${version})`;
    testWith("prometheus", claim, async () => {
      const cases = REPLICAS.map((replicas) => {
        const fires = !("beside" in replicas && ENDED_BY_STANDBY.includes(named.alert));
        return { ...recordedCase(named), ...replicas, fires };
      });
      const { code, lines } = await tested(version, ...cases);
      assert.equal(code, 0, lines.join("\n"));
    });
  }

  for (const { claim, ...further } of FURTHER_CASES) {
    const named = `${further.alert}: ${claim} ("${further.scenario.name}", version ${version})`;
    testWith("prometheus", named, async () => {
      const { code, lines } = await tested(version, { ...recordedCase(further), ...further });
      assert.equal(code, 0, lines.join("\n"));
    });
  }
}

/** Alerts that ask whether a scrape was answered: of what is pushed nobody can tell. */
const OF_SCRAPES = ["BrokkrBrokerDown", "BrokkrAgentDown"];

for (const named of alertCases(SCENARIOS).filter(({ alert }) => !OF_SCRAPES.includes(alert))) {
  const claim = `${named.alert}: fires in "${named.scenario.name}", and resolves, where metrics are pushed`;
  testWith("prometheus", claim, async () => {
    const { code, lines } = await tested(3, { ...recordedCase(named), isPushed: true });
    assert.equal(code, 0, lines.join("\n"));
  });
}

/** What promtool says of some cases, a file each, in their order. */
async function tested(version: PrometheusMajor, ...cases: readonly AlertCase[]): Promise<Verdict> {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-alert-" });
  try {
    const files = cases.map((one, at) => ({ path: `${folder}/${at}.yaml`, text: promtoolTest(one, ruleFiles()) }));
    for (const { path, text } of files) await Deno.writeTextFile(path, text);
    return await promtool(version).testRules(...files.map(({ path }) => path));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
