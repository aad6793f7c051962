import type { Alert, Exemplar, Labels, Metadata, RuleGroup, Sample, SampleRange, Target } from "./answers.ts";

/** A range of time to ask for: seconds since 1970, and between two steps. */
export interface QueryRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stepSeconds: number;
}

/** A value as Prometheus writes it: its time in seconds, and a number as text. */
type Point = readonly [timeSeconds: number, value: string];

type QueryResult =
  | { readonly resultType: "vector"; readonly result: readonly { readonly metric: Labels; readonly value: Point }[] }
  | { readonly resultType: "matrix"; readonly result: readonly { readonly metric: Labels; readonly values: Point[] }[] }
  | { readonly resultType: "scalar" | "string"; readonly result: Point };

type Answer<T> =
  | { readonly status: "success"; readonly data: T }
  | { readonly status: "error"; readonly errorType: string; readonly error: string };

interface ExemplarsOfSeries {
  readonly seriesLabels: Labels;
  readonly exemplars: readonly { readonly labels: Labels; readonly value: string; readonly timestamp: number }[];
}

const SECONDS_PER_HOUR = 3_600;

/** Prometheus' HTTP API, read into the types of `answers.ts`. */
export class PrometheusApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Whether it has read its configuration and its data. */
  async isReady(): Promise<boolean> {
    const response = await fetch(`${this.url}/-/ready`);
    await response.body?.cancel();
    return response.ok;
  }

  /**
   * Asks for one instant.
   *
   * @throws When Prometheus refuses the expression, or when it answers with a range or a text.
   */
  async query(expression: string, atSeconds?: number): Promise<Sample[]> {
    const at = atSeconds === undefined ? [] : [["time", String(atSeconds)]];
    const answer = await this.#get<QueryResult>("query", [["query", expression], ...at]);
    if (answer.resultType === "vector") return answer.result.map(({ metric, value }) => sample(metric, value));
    if (answer.resultType === "scalar") return [sample({}, answer.result)];
    throw new Error(`Cannot read what "${expression}" answers: it is a ${answer.resultType}`);
  }

  /** Asks for every step of a range. */
  async queryRange(expression: string, range: QueryRange): Promise<SampleRange[]> {
    const answer = await this.#get<QueryResult>("query_range", [
      ["query", expression],
      ["start", String(range.startSeconds)],
      ["end", String(range.endSeconds)],
      ["step", String(range.stepSeconds)],
    ]);
    if (answer.resultType !== "matrix") throw new Error(`Cannot read a range: it is a ${answer.resultType}`);
    return answer.result.map(({ metric, values }) => ({ labels: metric, points: values.map(point) }));
  }

  /** Alerts that are pending or firing. */
  async alerts(): Promise<Alert[]> {
    const { alerts } = await this.#get<{ alerts: (Omit<Alert, "value"> & { value: string })[] }>("alerts");
    return alerts.map((alert) => ({ ...alert, value: number(alert.value) }));
  }

  /** Pages that are scraped. */
  async targets(): Promise<Target[]> {
    type RawTarget = Omit<Target, "lastScrapeDurationSeconds"> & { readonly lastScrapeDuration: number };
    const { activeTargets } = await this.#get<{ activeTargets: RawTarget[] }>("targets", [["state", "active"]]);
    return activeTargets.map(({ lastScrapeDuration, ...rest }) => ({
      ...rest,
      lastScrapeDurationSeconds: lastScrapeDuration,
    }));
  }

  /** Groups of rules. */
  async rules(): Promise<RuleGroup[]> {
    return (await this.#get<{ groups: RuleGroup[] }>("rules")).groups;
  }

  /** Labels of the series that a selector finds. */
  async series(selector: string): Promise<Labels[]> {
    return await this.#get<Labels[]>("series", [["match[]", selector]]);
  }

  /** Exemplars of the series that a selector finds, of the last hour. */
  async exemplars(selector: string): Promise<Exemplar[]> {
    const nowSeconds = Date.now() / 1_000;
    const found = await this.#get<ExemplarsOfSeries[]>("query_exemplars", [
      ["query", selector],
      ["start", String(nowSeconds - SECONDS_PER_HOUR)],
      ["end", String(nowSeconds + 1)],
    ]);
    return found.flatMap(({ seriesLabels: series, exemplars }) =>
      exemplars.map(({ labels, value, timestamp }) => ({
        series,
        labels,
        value: number(value),
        timeSeconds: timestamp,
      }))
    );
  }

  /** What pages say of their families. */
  async metadata(): Promise<Record<string, Metadata[]>> {
    return await this.#get<Record<string, Metadata[]>>("metadata");
  }

  /**
   * Makes it read its configuration again.
   *
   * @throws When it refuses, in its own words; then the old one holds.
   */
  async reload(): Promise<void> {
    const response = await fetch(`${this.url}/-/reload`, { method: "POST" });
    const said = (await response.text()).trim();
    if (!response.ok) throw new Error(`Cannot reload Prometheus: ${said}`);
  }

  async #get<T>(path: string, parameters: string[][] = []): Promise<T> {
    const query = new URLSearchParams(parameters);
    const response = await fetch(`${this.url}/api/v1/${path}?${query}`);
    const answer: Answer<T> = await response.json();
    if (answer.status === "success") return answer.data;
    throw new Error(`Cannot ask Prometheus for ${path}: ${answer.errorType}: ${answer.error}`);
  }
}

function sample(labels: Labels, [timeSeconds, value]: Point): Sample {
  return { labels, value: number(value), timeSeconds };
}

function point([timeSeconds, value]: Point): { value: number; timeSeconds: number } {
  return { value: number(value), timeSeconds };
}

function number(text: string): number {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}
