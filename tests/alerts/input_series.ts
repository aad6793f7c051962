import type { Recording, Target, Values } from "./recording.ts";

/**
 * How many empty steps come first: the clock of a test begins at 0, and what was before the first step is not below.
 */
export const LEAD_STEPS = 30;

/** A series as `promtool test rules` takes it. */
export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** How a recording is played. */
export interface Played {
  readonly recording: Recording;
  /** How much of Prometheus' time a recorded step stands for. */
  readonly stepSeconds: number;
  /** Whether the programs sent their metrics by OTLP and were not scraped. */
  readonly isPushed?: boolean;
}

/** What Prometheus has of a recording's targets, each with the labels that it has by what finds it. */
export function inputSeries(played: Played, labels: (target: Target) => string): readonly InputSeries[] {
  const { recording, isPushed = false } = played;
  return [...recording.pages].flatMap(([target, page]) =>
    [...page].filter(([series]) => !isPushed || series !== "up").map(([series, values]) => ({
      series: withLabels(isPushed ? respelt(series) : series, labels(target)),
      values: `${leadOf(series, values)} ${
        promtoolValues(values.map((value) => inTestTime(series, value, played)), isPushed)
      }`,
    }))
  );
}

/** Before the first step there is nothing but that the program was there. */
function leadOf(series: string, [first]: Values): string {
  return first !== undefined && /^(up|brokkr_build_info)(\{|$)/.test(series)
    ? `${first}x${LEAD_STEPS - 1}`
    : `_x${LEAD_STEPS}`;
}

function respelt(series: string): string {
  return series.replace(/\ble="(\d+)\.0"/, 'le="$1"');
}

/** The series with the labels of its target. */
function withLabels(series: string, target: string): string {
  return series.endsWith("}") ? `${series.slice(0, -1)},${target}}` : `${series}{${target}}`;
}

/** Ages grow, and moments lie, at the pace of the test. */
function inTestTime(series: string, value: number | undefined, { recording, stepSeconds }: Played) {
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
export function isMoment(series: string): boolean {
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
