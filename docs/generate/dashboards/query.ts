import type { CounterDeclaration, Declaration, HistogramDeclaration, LabelSets } from "$lib/metrics.ts";
import { chosen, type Query, type Variable } from "./panel.ts";

/** How one line is told from another, and what is left out. */
export interface Cut<L extends LabelSets> {
  /** Labels of the metric, or Prometheus's own, that make a line each. */
  readonly by?: readonly ((keyof L & string) | "instance" | "job")[];
  /** Further matchers, such as `result="error"`. */
  readonly where?: string;
}

const PERCENTILES = [0.5, 0.95, 0.99];
const WINDOW = "[$__rate_interval]";

/** Makes queries of declarations, all held to what the reader chose in `variables`. */
export class Queries {
  readonly #chosen: string;

  constructor(variables: readonly Variable[]) {
    this.#chosen = chosen(variables);
  }

  /** How often, each second. */
  rate<L extends LabelSets>(counter: CounterDeclaration<L>, { by = [], where = "" }: Cut<L> = {}): Query {
    const promql = `${sumBy(by)} (rate(${this.#select(counter.name, where)}${WINDOW}))`;
    return { promql, legend: legendOf(by, "all") };
  }

  /** How often in the hour before, for what is too seldom for a rate. */
  hourly<L extends LabelSets>(counter: CounterDeclaration<L>, { by = [], where = "" }: Cut<L> = {}): Query {
    const promql = `${sumBy(by)} (increase(${this.#select(counter.name, where)}[1h]))`;
    return { promql, legend: legendOf(by, "all") };
  }

  /** Which share of the first is the second: of all that is counted, that which fails. */
  share<L extends LabelSets>(
    all: CounterDeclaration<L>,
    { by = [], failed, where = "" }: { readonly by?: Cut<L>["by"]; readonly where?: string; readonly failed: string },
  ): Query {
    const failing = this.rate(all, { by, where: [where, failed].filter((one) => one !== "").join(", ") });
    return { promql: `${failing.promql}\n/\n${this.rate(all, { by, where }).promql}`, legend: legendOf(by, "errors") };
  }

  /** Three lines: the median, and what one in twenty and one in a hundred exceeds. */
  percentiles<L extends LabelSets>(histogram: HistogramDeclaration<L>, { where = "" }: Cut<L> = {}): readonly Query[] {
    const buckets = `sum by (le) (rate(${this.#select(`${histogram.name}_bucket`, where)}${WINDOW}))`;
    return PERCENTILES.map((one) => ({
      promql: `histogram_quantile(${one}, ${buckets})`,
      legend: `p${Math.round(one * 100)}`,
    }));
  }

  /** The 95th percentile, a line for each value of the labels. */
  slow<L extends LabelSets>(histogram: HistogramDeclaration<L>, { by = [], where = "" }: Cut<L>): Query {
    const buckets = `sum by (${["le", ...by].join(", ")}) (rate(${
      this.#select(`${histogram.name}_bucket`, where)
    }${WINDOW}))`;
    return { promql: `histogram_quantile(0.95, ${buckets})`, legend: legendOf(by, "p95") };
  }

  /** How often something was timed. */
  timed<L extends LabelSets>(histogram: HistogramDeclaration<L>, { by = [], where = "" }: Cut<L>): Query {
    const promql = `${sumBy(by)} (rate(${this.#select(`${histogram.name}_count`, where)}${WINDOW}))`;
    return { promql, legend: legendOf(by, "all") };
  }

  /** What every replica says of the one store: a line for each value of the label. */
  ofStore(
    { name }: Declaration,
    { label, where = "" }: { readonly label?: string; readonly where?: string } = {},
  ): Query {
    const labels = label === undefined ? [] : [label];
    return { promql: `max without (instance, pod) (${this.#select(name, where)})`, legend: legendOf(labels, name) };
  }

  /** A gauge as each instance has it. */
  each({ name, labels }: Declaration, { where = "" }: Cut<LabelSets> = {}): Query {
    return { promql: this.#select(name, where), legend: legendOf([...Object.keys(labels), "instance"], name) };
  }

  /** How long ago a moment was that a gauge has in seconds since 1970; those that never were are left out. */
  since({ name, labels }: Declaration): Query {
    const isOfJobs = "task" in labels;
    const moment = isOfJobs ? `max without (instance, pod) (${this.#select(name)})` : this.#select(name);
    return {
      promql: `time() - (${moment} > 0)`,
      legend: legendOf(isOfJobs ? ["task"] : ["instance", ...Object.keys(labels)], name),
    };
  }

  #select(name: string, where = ""): string {
    return `${name}{${[this.#chosen, where].filter((one) => one !== "").join(", ")}}`;
  }
}

function sumBy(labels: readonly string[]): string {
  return labels.length === 0 ? "sum" : `sum by (${labels.join(", ")})`;
}

function legendOf(labels: readonly string[], otherwise: string): string {
  return labels.length === 0 ? otherwise : labels.map((label) => `{{${label}}}`).join(" ");
}
