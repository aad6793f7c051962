import assert from "node:assert/strict";
import { counter, gauge, histogram } from "$lib/metrics.ts";
import { STORE_METRICS } from "../../broker/metrics.ts";
import { checkPromql } from "./check.ts";
import { declaredVocabulary } from "./vocabulary.ts";

const VOCABULARY = declaredVocabulary([
  counter({ name: "polls_total", help: "Polls.", labels: { result: ["success", "error"], endpoint: "text" } }),
  gauge({ name: "pending", help: "Pending." }),
  histogram({ name: "wait_seconds", help: "Waits.", unit: "s", labels: { stage: ["a", "b"] }, buckets: [0.5, 1] }),
  STORE_METRICS.agents,
]);

const RIGHT: readonly (readonly [expression: string, labels: readonly string[]])[] = [
  ['sum by (job) (rate(polls_total{result="error", endpoint=~"/x.*|/y"}[5m])) > 0.1', ["job"]],
  ["histogram_quantile(0.9, sum by (le, stage) (rate(wait_seconds_bucket[$__rate_interval])))", ["stage"]],
  ['wait_seconds_bucket{le="1.0"}', ["cluster", "job", "instance", "namespace", "pod", "service", "stage", "le"]],
  [
    "max without (instance, pod) (brokkr_agents) and on (job) max by (job) (up)",
    ["cluster", "job", "namespace", "service", "connectivity"],
  ],
  ['absent(up{job="x"})', ["job"]],
  ["time() - pending", ["cluster", "job", "instance", "namespace", "pod", "service"]],
  ["max by (cluster, namespace, job) (brokkr_agents) > 0", ["cluster", "namespace", "job"]],
];

for (const [expression, labels] of RIGHT) {
  Deno.test(`checkPromql() allows ${expression}, and knows its labels`, () => {
    const verdict = checkPromql(expression, VOCABULARY);

    assert.deepEqual(verdict.faults, []);
    assert.deepEqual([...verdict.labels].sort(), [...labels].sort());
  });
}

const WRONG: readonly (readonly [expression: string, fault: RegExp])[] = [
  ["sum(rate(polls_total[5m])", /is no PromQL near/],
  ["rate(pols_total[5m])", /"pols_total" is not declared/],
  ["wait_seconds", /"wait_seconds" is not declared/],
  ['{job="x"}', /names no metric/],
  ['polls_total{result="succes"}', /"polls_total" has no result "succes": it is one of success, error/],
  ['polls_total{result!~"error|succes"}', /no result "succes"/],
  ['polls_total{agent="x"}', /"polls_total" has no label "agent"/],
  ['wait_seconds_bucket{le="1"}', /no le "1": it is one of 0\.5, 1\.0, \+Inf/],
  ["sum by (stage) (rate(polls_total[5m]))", /names the label "stage", which nothing here has/],
  ["sum by (result) (sum by (job) (rate(polls_total[5m])))", /names the label "result"/],
  ["pending / on (stage) polls_total", /names the label "stage"/],
  ["rate(pending[5m])", /rate\(\) of "pending", which is a gauge/],
  ["max by (job, pod) (brokkr_agents)", /"brokkr_agents" is on every replica's page/],
  ["sum(brokkr_agents)", /"brokkr_agents" is on every replica's page/],
  ['sum by (half) (label_replace(up, "agent", "$1", "job", "(.*)"))', /names the label "half"/],
];

for (const [expression, fault] of WRONG) {
  Deno.test(`checkPromql() refuses ${expression}`, () => {
    assert.match(checkPromql(expression, VOCABULARY).faults.join("\n"), fault);
  });
}
