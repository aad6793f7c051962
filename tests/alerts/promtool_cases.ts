import type { Recording, Values } from "./recording.ts";

/** An alert, and a recording in which it has to fire while something is broken, and at no other time. */
export interface AlertCase {
  readonly alert: string;
  readonly recording: Recording;
  /** How many seconds of Prometheus' time a recorded second stands for. */
  readonly pace: number;
  /** How many instances of each program show what was recorded; 1 when left out. */
  readonly replicas?: number;
}

/** How many empty steps come first: the clock of a test begins at 0, and what was before the first step is not below. */
const LEAD_STEPS = 30;

/**
 * A file for `promtool test rules`: the alert fires when the recording's break has lasted, and neither before it nor at
 * the end, when it was mended. Left to itself a file is JSON, which is YAML.
 */
export function promtoolTest(
  { alert, recording, pace, replicas = 1 }: AlertCase,
  ruleFiles: readonly string[],
): string {
  const stepSeconds = recording.stepSeconds * pace;
  const count = `count(ALERTS{alertname="${alert}", alertstate="firing"})`;
  const expect = (step: number, samples: readonly unknown[]) => ({
    expr: `${count} > bool 0 or on () vector(0)`,
    eval_time: `${(LEAD_STEPS + step) * stepSeconds}s`,
    exp_samples: samples,
  });
  const isSilent = [{ labels: "{}", value: 0 }];
  const fires = [{ labels: "{}", value: 1 }];
  return JSON.stringify({
    rule_files: ruleFiles,
    evaluation_interval: `${stepSeconds}s`,
    tests: [{
      interval: `${stepSeconds}s`,
      input_series: Array.from({ length: replicas }, (_, at) => inputSeries({ recording, stepSeconds }, at)).flat(),
      promql_expr_test: [
        expect(recording.broken - 1, isSilent),
        expect(recording.mended - 1, fires),
        expect(recording.steps - 1, isSilent),
      ],
    }],
  });
}

/** What Prometheus would have of one replica of each program. */
function inputSeries(time: TestTime, replica: number) {
  return [...time.recording.pages].flatMap(([program, page]) =>
    [...page].map(([series, values]) => ({
      series: scraped(series, `job="brokkr-${program}",instance="${program}-${replica}:9090"`),
      values: `_x${LEAD_STEPS} ${promtoolValues(values.map((value) => inTestTime(series, value, time)))}`,
    }))
  );
}

/** The series with the labels of its target. */
function scraped(series: string, target: string): string {
  return series.endsWith("}") ? `${series.slice(0, -1)},${target}}` : `${series}{${target}}`;
}

interface TestTime {
  readonly recording: Recording;
  readonly stepSeconds: number;
}

/** Ages grow, and moments lie, at the pace of the test. */
function inTestTime(series: string, value: number | undefined, { recording, stepSeconds }: TestTime) {
  const name = series.split("{")[0] ?? "";
  const pace = stepSeconds / recording.stepSeconds;
  if (value === undefined) return undefined;
  if (name.endsWith("_age_seconds")) return value * pace;
  if (/_timestamp(_seconds)?$/.test(name)) {
    return value === 0 ? 0 : (LEAD_STEPS * recording.stepSeconds + value - recording.startedSeconds) * pace;
  }
  return value;
}

/** Where a series leaves the page Prometheus marks it stale; where it never was there is nothing. */
function promtoolValues(values: Values): string {
  return values.map((value, step) => {
    if (value !== undefined) return String(value);
    return values[step - 1] === undefined ? "_" : "stale";
  }).join(" ");
}
