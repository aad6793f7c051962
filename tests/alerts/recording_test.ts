import assert from "node:assert/strict";
import { promtoolFiles } from "./promtool_cases.ts";
import { readRecording, type Recording, writeRecording } from "./recording.ts";

const NO_RULES = { rule_files: [], group_eval_order: [] };
const RECORDING: Recording = {
  startedSeconds: 1_000,
  stepSeconds: 1,
  steps: 4,
  broken: 2,
  mended: 3,
  pages: new Map([
    ["broker", new Map([["up", [1, 1, 0, 1]], ['held{state="a b",of="c"}', [0.5, 0.5, undefined, 3]]])],
    ["agent", new Map([["last_timestamp", [0, 990, 990, 1_002]], ["oldest_age_seconds", [undefined, 2, 2, 0]]])],
  ]),
};

Deno.test("readRecording() reads what writeRecording() wrote, gaps and labels with blanks too", () => {
  assert.deepEqual(readRecording(writeRecording(RECORDING, "a heading")), RECORDING);
});

Deno.test("readRecording() refuses a line that is none", () => {
  assert.throws(
    () => readRecording(`${writeRecording(RECORDING, "x")}nobody up 1\n`),
    /"nobody up 1" is no line of it/,
  );
});

Deno.test("promtoolFiles() marks what leaves the page, and moves ages and moments to the time of the test", () => {
  const [file = ""] = promtoolFiles([{ alert: "A", recording: RECORDING, pace: 60 }], NO_RULES);
  const { tests: [test] } = JSON.parse(file);

  assert.deepEqual(
    test.input_series.map(({ series, values }: { series: string; values: string }) => [series, values.split(" ")]),
    [
      ['up{job="brokkr-broker",instance="broker-0:9090",node="node-0",cluster="scraped-1"}', [
        "1x29",
        "1",
        "1",
        "0",
        "1",
      ]],
      ['held{state="a b",of="c",job="brokkr-broker",instance="broker-0:9090",node="node-0",cluster="scraped-1"}', [
        "_x30",
        "0.5",
        "0.5",
        "stale",
        "3",
      ]],
      ['last_timestamp{job="brokkr-agent",instance="agent-0:9090",node="node-0",cluster="scraped-1"}', [
        "_x30",
        "0",
        "1200",
        "1200",
        "1920",
      ]],
      ['oldest_age_seconds{job="brokkr-agent",instance="agent-0:9090",node="node-0",cluster="scraped-1"}', [
        "_x30",
        "_",
        "120",
        "120",
        "0",
      ]],
    ],
  );
});

Deno.test("promtoolFiles() has a file for each pace, and in it all ways to be scraped beside each other", () => {
  const scraped = { recording: RECORDING, pace: 60 };
  const cases = [
    { ...scraped, alert: "A" },
    { ...scraped, alert: "B", fires: false, replicas: 2 },
    { ...scraped, alert: "Absent" },
    { ...scraped, alert: "A", pace: 120 },
  ];

  const files = promtoolFiles(cases, NO_RULES).map((file) => JSON.parse(file));

  const expected = files.map(({ evaluation_interval, tests }) => [
    evaluation_interval,
    ...tests.map(({ input_series, promql_expr_test }: Test) => [
      input_series.filter(({ series }) => series.startsWith("up{")).length,
      promql_expr_test.map(({ exp_samples: [one] }) => one?.value),
    ]),
  ]);
  assert.deepEqual(expected, [["60s", [3, [0, 1, 0, 0, 0, 0]], [1, [0, 1, 0]]], ["120s", [1, [0, 1, 0]]]]);
});

interface Test {
  readonly input_series: readonly { readonly series: string }[];
  readonly promql_expr_test: readonly { readonly exp_samples: readonly { readonly value: number }[] }[];
}
