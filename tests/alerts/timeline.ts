import type { Outage } from "../../docs/generate/outages/outages.ts";
import type { Labels } from "../alertmanager/alertmanager.ts";
import { promtool, type Verdict } from "../prometheus/promtool.ts";
import { testedRules } from "../promql/rule_files.ts";
import { keptRecording } from "./fixtures.ts";
import { type InputSeries, inputSeries, LEAD_STEPS } from "./input_series.ts";
import { programOf, type Recording, type Target } from "./recording.ts";
import { CLUSTERS, type Scenario } from "./scenario.ts";

/** An alert that fires, and when. */
export type Firing = Outage["firing"][number];

const BROKERS_CLUSTER = "central";
const SECONDS_A_MINUTE = 60;

/**
 * What fires, step by step, while Prometheus evaluates every rule of both charts on what was recorded.
 *
 * @throws When promtool says anything else than what fires.
 */
export async function timelineOf(scenario: Scenario): Promise<readonly Firing[]> {
  const recording = keptRecording(scenario);
  const { steps } = recording;
  const minutes = (step: number) => minutesOf(scenario, step);
  const firing = new Map<string, Firing>();
  const ended: Firing[] = [];
  const fired = await firedSteps(scenario, recording);
  for (let step = 0; step <= steps; step += 1) {
    const now = new Map((fired.get(step) ?? []).map((labels) => [JSON.stringify(labels), labels]));
    for (const [key, one] of firing) {
      if (now.has(key)) continue;
      ended.push({ ...one, ...step < steps && { to: minutes(step) } });
      firing.delete(key);
    }
    for (const [key, labels] of now) if (!firing.has(key)) firing.set(key, { labels, from: minutes(step) });
  }
  return ended.sort(byStart);
}

/** When a step was, in minutes since it broke. */
export function minutesOf(scenario: Scenario, step: number): number {
  const { broken, stepSeconds } = keptRecording(scenario);
  return (step - broken) * stepSeconds * paceOf(scenario) / SECONDS_A_MINUTE;
}

function paceOf({ pace = SECONDS_A_MINUTE }: Scenario): number {
  return pace;
}

function byStart(a: Firing, b: Firing): number {
  const key = ({ labels }: Firing) => JSON.stringify(labels);
  return a.from - b.from || (key(a) < key(b) ? -1 : 1);
}

/** By step, the labels of each alert that fires then. */
async function firedSteps(scenario: Scenario, recording: Recording): Promise<ReadonlyMap<number, readonly Labels[]>> {
  const stepSeconds = recording.stepSeconds * paceOf(scenario);
  const file = JSON.stringify({
    ...testedRules(),
    evaluation_interval: `${stepSeconds}s`,
    tests: [{
      interval: `${stepSeconds}s`,
      input_series: playedSeries(scenario, recording),
      promql_expr_test: Array.from({ length: recording.steps }, (_, step) => ({
        expr: `ALERTS{alertstate="firing"} * 0 + ${step}`,
        eval_time: `${(LEAD_STEPS + step) * stepSeconds}s`,
        exp_samples: [],
      })),
    }],
  });
  const path = await Deno.makeTempFile({ prefix: "brokkr-timeline-", suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, file);
    return readFired(await promtool(3).testRules(path));
  } finally {
    await Deno.remove(path);
  }
}

/** What Prometheus has of every target, in each cluster in which it is. */
function playedSeries(scenario: Scenario, recording: Recording): readonly InputSeries[] {
  const stepSeconds = recording.stepSeconds * paceOf(scenario);
  return [BROKERS_CLUSTER, ...CLUSTERS].flatMap((cluster) => {
    const pages = new Map([...recording.pages].filter(([target]) => clustersOf(target, scenario).includes(cluster)));
    return inputSeries({ recording: { ...recording, pages }, stepSeconds }, (target) => labelsOf(target, cluster));
  });
}

/** The brokers share one; what is recorded of one agent is shown of several. */
function clustersOf(target: Target, { play }: Scenario): readonly string[] {
  return programOf(target) === "broker" ? [BROKERS_CLUSTER] : play?.clusters?.[target] ?? CLUSTERS;
}

function labelsOf(target: Target, cluster: string): string {
  const job = `brokkr-${programOf(target)}`;
  return `cluster="${cluster}",namespace="brokkr",job="${job}",instance="${target}:9090"`;
}

/** Nothing is expected at any step, so promtool says what it got: labels, and the step as the value. */
function readFired({ lines }: Verdict): ReadonlyMap<number, readonly Labels[]> {
  const unknown = lines.filter((line) => !/^(Unit Testing:|\s+(SUCCESS|FAILED:|expr:|exp:|got:))/.test(line));
  if (unknown.length > 0) throw new Error(`Cannot play the rules: ${unknown.join("\n")}`);
  const got = lines.flatMap((line) => [...line.matchAll(/\{((?:\w+="(?:[^"\\]|\\.)*"(?:, )?)+)\} ([\d.E+]+)/g)]);
  const samples = got.map(([, labels = "", step]) => ({ labels: readLabels(labels), step: Number(step) }));
  return new Map(
    [...Map.groupBy(samples, ({ step }) => step)].map(([step, samples]) => [step, samples.map(({ labels }) => labels)]),
  );
}

function readLabels(text: string): Labels {
  const pairs = [...text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*")/g)];
  return Object.fromEntries(
    pairs.filter(([, name]) => name !== "alertstate").map(([, name = "", value = ""]) => [name, JSON.parse(value)]),
  );
}
