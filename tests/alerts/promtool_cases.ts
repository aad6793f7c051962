import type { TestedRules } from "../promql/rule_files.ts";
import { OF_WORKING_REPLICA } from "../system/metrics_page.ts";
import { inputSeries, isMoment, LEAD_STEPS } from "./input_series.ts";
import { programOf, type Recording, type Target, type Values } from "./recording.ts";

/**
 * What a target beside the recorded ones is, in the same job: `healthy` stays as the program was before the break,
 * `standby` is an agent like that, with nothing that only a replica with the Lease has; `unseen` is down while it is
 * broken and was never scraped, `stranger` is up and is not Brokkr.
 */
export type Companion = "healthy" | "standby" | "unseen" | "stranger";

/** A recording, and how Prometheus has it. */
export interface Scraped {
  readonly recording: Recording;
  /** How many seconds of Prometheus' time a recorded second stands for. */
  readonly pace: number;
  /** How many instances of each program show what was recorded; 1 when left out. */
  readonly replicas?: number;
  /** What else is scraped; nothing when left out. */
  readonly beside?: readonly Companion[];
  /**
   * Whether the programs sent their metrics by OTLP and were not scraped: then nobody says `up`, or that a series has
   * ended; whole bounds are written without a point.
   */
  readonly isPushed?: boolean;
  /** What tells it from what is scraped alike and shows something else. */
  readonly fleet?: string;
}

/** An alert that has to fire while something is broken, and at no other time. */
export interface AlertCase extends Scraped {
  readonly alert: string;
  /** False: the alert has to be silent all the time. */
  readonly fires?: boolean;
}

/** Alerts on one instance each; all others fire once for all the replicas of a release. */
const OF_INSTANCES = ["BrokkrBrokerDown", "BrokkrAgentDown", "BrokkrSeriesRejected"];

/**
 * Files for `promtool test rules` of one recording, one for each interval of steps: each alert fires when the break has
 * lasted, once whatever the replicas and the nodes that they run on, and neither before it nor at the end, when it was
 * mended. What is scraped in different ways is so in clusters of one Prometheus; only of what asks whether there is
 * anything at all each way has a test of its own. Left to itself a file is JSON, which is YAML.
 */
export function promtoolFiles(cases: readonly AlertCase[], rules: TestedRules): readonly string[] {
  return [...Map.groupBy(cases, stepSecondsOf)].map(([seconds, cases]) => {
    const tests = [...Map.groupBy(cases, testOf)].map(([name, cases]) => ({
      name,
      interval: `${seconds}s`,
      input_series: [...Map.groupBy(cases, clusterOf).values()].flatMap(([one]) =>
        one === undefined ? [] : allSeries(one)
      ),
      promql_expr_test: cases.flatMap(expectations),
    }));
    return JSON.stringify({ ...rules, evaluation_interval: `${seconds}s`, tests });
  });
}

function stepSecondsOf({ recording, pace }: Scraped): number {
  return recording.stepSeconds * pace;
}

/**
 * A label that an operator puts on every target, by how it is scraped: an alert must keep it, so that it says where.
 */
function clusterOf({ replicas = 1, beside = [], isPushed = false, fleet }: Scraped): string {
  return [isPushed ? "pushed" : "scraped", replicas, ...beside, ...fleet === undefined ? [] : [fleet]].join("-");
}

function testOf(one: AlertCase): string {
  return isOfAll(one) ? `nothing but ${clusterOf(one)}` : "beside each other";
}

/** Whether it is about everything that Prometheus has: what is absent has no labels. */
function isOfAll({ alert }: AlertCase): boolean {
  return alert.endsWith("Absent");
}

function expectations(one: AlertCase) {
  const { alert, recording, fires = true } = one;
  const cluster = isOfAll(one) ? "" : clusterOf(one);
  const firing = `ALERTS{alertname="${alert}", alertstate="firing", cluster="${cluster}"}`;
  const wanted = OF_INSTANCES.includes(alert)
    ? "> bool 0"
    : `== bool count(count without (instance, pod, node) (${firing}))`;
  const expect = (step: number, isFiring: boolean) => ({
    expr: `count(${firing}) ${wanted} or on () vector(0)`,
    eval_time: `${(LEAD_STEPS + step) * stepSecondsOf(one)}s`,
    exp_samples: [{ labels: "{}", value: isFiring ? 1 : 0 }],
  });
  return [
    expect(recording.broken - 1, false),
    expect(recording.mended - 1, fires),
    expect(recording.steps - 1, false),
  ];
}

/** What Prometheus has of all targets. */
function allSeries(scraped: Scraped) {
  const { recording, replicas = 1, beside = [], isPushed = false } = scraped;
  const stepSeconds = stepSecondsOf(scraped);
  const pages = [
    ...Array.from({ length: replicas }, (_, at) => [String(at), recording] as const),
    ...beside.map((one) => [one, companion(one, recording)] as const),
  ];
  const labels = isPushed ? pushedLabels : scrapedLabels;
  const cluster = clusterOf(scraped);
  return pages.flatMap(([instance, recording]) =>
    inputSeries({ recording, stepSeconds, isPushed }, (target) => `${labels(target, instance)},cluster="${cluster}"`)
  );
}

/** What would have been recorded of another target. */
function companion(one: Companion, recording: Recording): Recording {
  const steps = Array.from({ length: recording.steps }, (_, step) => step);
  const up = {
    unseen: steps.map((step) => step >= recording.broken && step < recording.mended ? 0 : undefined),
    stranger: steps.map(() => 1),
  };
  const pages = [...recording.pages].map(([target, page]) => {
    if (one === "standby" && programOf(target) !== "agent") return [target, new Map()] as const;
    if (one === "unseen" || one === "stranger") return [target, new Map([["up", up[one]]])] as const;
    const shown = [...page].filter(([series]) => one === "healthy" || !OF_WORKING_REPLICA.test(series));
    return [target, new Map(shown.map(([series, values]) => [series, companionValues(one, series, values)]))] as const;
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

function scrapedLabels(target: Target, instance: string): string {
  const program = programOf(target);
  return `job="brokkr-${program}",instance="${target}-${instance}:9090",node="node-${instance}"`;
}

/** Of the resource, as Prometheus has it where its attribute `cluster` is promoted. */
function pushedLabels(target: Target, instance: string): string {
  return `job="brokkr/brokkr-${programOf(target)}",instance="${target}-${instance}"`;
}
