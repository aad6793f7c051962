import { OF_WORKING_REPLICA } from "../system/metrics_page.ts";
import type { Recording, Values } from "./recording.ts";

/**
 * What a target beside the recorded ones is, in the same job: `healthy` stays as the program was before the break,
 * `standby` is an agent like that, with nothing that only a replica with the Lease has; `unseen` is down while it is
 * broken and was never scraped, `stranger` is up and is not Brokkr.
 */
export type Companion = "healthy" | "standby" | "unseen" | "stranger";

/** An alert, and a recording in which it has to fire while something is broken, and at no other time. */
export interface AlertCase {
  readonly alert: string;
  readonly recording: Recording;
  /** How many seconds of Prometheus' time a recorded second stands for. */
  readonly pace: number;
  /** How many instances of each program show what was recorded; 1 when left out. */
  readonly replicas?: number;
  /** What else is scraped; nothing when left out. */
  readonly beside?: readonly Companion[];
  /** False: the alert has to be silent all the time. */
  readonly fires?: boolean;
  /**
   * Whether the programs sent their metrics by OTLP and were not scraped: then nobody says `up`, or that a series has
   * ended; whole bounds are written without a point.
   */
  readonly isPushed?: boolean;
}

/** Alerts on one instance each; all others fire once for all the replicas of a release. */
const OF_INSTANCES = ["BrokkrBrokerDown", "BrokkrAgentDown", "BrokkrSeriesRejected"];

/**
 * How many empty steps come first: the clock of a test begins at 0, and what was before the first step is not below.
 */
const LEAD_STEPS = 30;

/** A label that an operator puts on every target: an alert must keep it, so that it says where. */
const CLUSTER = "east";

/**
 * A file for `promtool test rules`: the alert fires when the recording's break has lasted, once whatever the replicas
 * and the nodes that they run on, and neither before it nor at the end, when it was mended. Left to itself a file is
 * JSON, which is YAML.
 */
export function promtoolTest(
  { alert, recording, pace, replicas = 1, beside = [], fires = true, isPushed = false }: AlertCase,
  ruleFiles: readonly string[],
): string {
  const stepSeconds = recording.stepSeconds * pace;
  const cluster = alert.endsWith("Absent") ? "" : CLUSTER; // what is absent has no labels
  const firing = `ALERTS{alertname="${alert}", alertstate="firing", cluster="${cluster}"}`;
  const wanted = OF_INSTANCES.includes(alert)
    ? "> bool 0"
    : `== bool count(count without (instance, pod, node) (${firing}))`;
  const expect = (step: number, samples: readonly unknown[]) => ({
    expr: `count(${firing}) ${wanted} or on () vector(0)`,
    eval_time: `${(LEAD_STEPS + step) * stepSeconds}s`,
    exp_samples: samples,
  });
  const isSilent = [{ labels: "{}", value: 0 }];
  const whileBroken = [{ labels: "{}", value: fires ? 1 : 0 }];
  const pages = [
    ...Array.from({ length: replicas }, (_, at) => [String(at), recording] as const),
    ...beside.map((one) => [one, companion(one, recording)] as const),
  ];
  return JSON.stringify({
    rule_files: ruleFiles,
    evaluation_interval: `${stepSeconds}s`,
    tests: [{
      interval: `${stepSeconds}s`,
      input_series: pages.flatMap(([instance, recording]) =>
        inputSeries({ recording, stepSeconds, isPushed }, instance)
      ),
      promql_expr_test: [
        expect(recording.broken - 1, isSilent),
        expect(recording.mended - 1, whileBroken),
        expect(recording.steps - 1, isSilent),
      ],
    }],
  });
}

/** What would have been recorded of another target. */
function companion(one: Companion, recording: Recording): Recording {
  const steps = Array.from({ length: recording.steps }, (_, step) => step);
  const up = {
    unseen: steps.map((step) => step >= recording.broken && step < recording.mended ? 0 : undefined),
    stranger: steps.map(() => 1),
  };
  const pages = [...recording.pages].map(([program, page]) => {
    if (one === "standby" && program !== "agent") return [program, new Map()] as const;
    if (one === "unseen" || one === "stranger") return [program, new Map([["up", up[one]]])] as const;
    const shown = [...page].filter(([series]) => one === "healthy" || !OF_WORKING_REPLICA.test(series));
    return [program, new Map(shown.map(([series, values]) => [series, companionValues(one, series, values)]))] as const;
  });
  return { ...recording, pages: new Map(pages) };

  function companionValues(one: "healthy" | "standby", series: string, values: Values): Values {
    if (one === "standby" && series === "brokkr_agent_leader") return steps.map(() => 0);
    return steady(series, values, recording);
  }
}

/** As it was before the break, for ever: what counts stands still, and what happens again and again goes on. */
function steady(series: string, values: Values, { broken, stepSeconds }: Recording): Values {
  const last = values[broken - 1];
  return values.map((value, step) => {
    if (step < broken || last === undefined) return step < broken ? value : undefined;
    return isMoment(series) && last !== 0 ? last + (step - broken + 1) * stepSeconds : last;
  });
}

/** What Prometheus would have of one target of each program. */
function inputSeries(time: InputTime, instance: string) {
  const { recording, isPushed } = time;
  const labels = isPushed ? pushedLabels : scrapedLabels;
  return [...recording.pages].flatMap(([program, page]) =>
    [...page].filter(([series]) => !isPushed || series !== "up").map(([series, values]) => ({
      series: withLabels(isPushed ? respelt(series) : series, labels(program, instance)),
      values: `_x${LEAD_STEPS} ${promtoolValues(values.map((value) => inTestTime(series, value, time)), isPushed)}`,
    }))
  );
}

function scrapedLabels(program: string, instance: string): string {
  return `job="brokkr-${program}",instance="${program}-${instance}:9090",node="node-${instance}",cluster="${CLUSTER}"`;
}

/** Of the resource, as Prometheus has it where its attribute `cluster` is promoted. */
function pushedLabels(program: string, instance: string): string {
  return `job="brokkr/brokkr-${program}",instance="${program}-${instance}",cluster="${CLUSTER}"`;
}

function respelt(series: string): string {
  return series.replace(/\ble="(\d+)\.0"/, 'le="$1"');
}

/** The series with the labels of its target. */
function withLabels(series: string, target: string): string {
  return series.endsWith("}") ? `${series.slice(0, -1)},${target}}` : `${series}{${target}}`;
}

interface InputTime extends TestTime {
  readonly isPushed: boolean;
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
  if (isMoment(series)) {
    return value === 0 ? 0 : (LEAD_STEPS * recording.stepSeconds + value - recording.startedSeconds) * pace;
  }
  return value;
}

/** Whether its values are seconds since 1970. */
function isMoment(series: string): boolean {
  return /^\w+_timestamp(_seconds)?(\{|$)/.test(series);
}

/**
 * Where a series leaves the page Prometheus marks it stale; where it never was, or is no longer pushed, there is
 * nothing.
 */
function promtoolValues(values: Values, isPushed: boolean): string {
  return values.map((value, step) => {
    if (value !== undefined) return String(value);
    return isPushed || values[step - 1] === undefined ? "_" : "stale";
  }).join(" ");
}
