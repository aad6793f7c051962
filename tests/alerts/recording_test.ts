import assert from "node:assert/strict";
import { promtoolTest } from "./promtool_cases.ts";
import { readRecording, type Recording, writeRecording } from "./recording.ts";

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

Deno.test("promtoolTest() marks what leaves the page, and moves ages and moments to the time of the test", () => {
  const { tests: [test] } = JSON.parse(promtoolTest({ alert: "A", recording: RECORDING, pace: 60 }, []));

  assert.deepEqual(
    test.input_series.map(({ series, values }: { series: string; values: string }) => [series, values.split(" ")]),
    [
      ['up{job="brokkr-broker",instance="broker-0:9090",node="node-0",cluster="east"}', ["_x30", "1", "1", "0", "1"]],
      ['held{state="a b",of="c",job="brokkr-broker",instance="broker-0:9090",node="node-0",cluster="east"}', [
        "_x30",
        "0.5",
        "0.5",
        "stale",
        "3",
      ]],
      ['last_timestamp{job="brokkr-agent",instance="agent-0:9090",node="node-0",cluster="east"}', [
        "_x30",
        "0",
        "1200",
        "1200",
        "1920",
      ]],
      ['oldest_age_seconds{job="brokkr-agent",instance="agent-0:9090",node="node-0",cluster="east"}', [
        "_x30",
        "_",
        "120",
        "120",
        "0",
      ]],
    ],
  );
});
