import type { CounterDeclaration, Declaration, HistogramDeclaration, LabelSets } from "$lib/metrics.ts";
import { STORE_METRICS } from "../../../broker/metrics.ts";
import { alertSubject, withMatchers } from "./alert.ts";
import { chosen, type Query, type Variable } from "./panel.ts";

/** Leaves out of the broker's requests those of probes and scrapes, as the alerts do: `/readyz` says 503 by design. */
export const NO_PROBES = 'endpoint!~"/healthz|/readyz|/metrics"';

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

  /** How often, each second: of all, and where anything happens, a line for each value of the labels. */
  busy<L extends LabelSets>(
    counter: CounterDeclaration<L>,
    cut: Required<Pick<Cut<L>, "by">> & Cut<L>,
  ): readonly Query[] {
    const { promql, legend } = this.rate(counter, cut);
    return [this.rate(counter, { where: cut.where }), { promql: `${promql} > 0`, legend, mayBeEmpty: true }];
  }

  /** How often in the hour before, for what is too seldom for a rate. */
  hourly<L extends LabelSets>(counter: CounterDeclaration<L>, { by = [], where = "" }: Cut<L> = {}): Query {
    const promql = `${sumBy(by)} (increase(${this.#select(counter.name, where)}[1h]))`;
    return { promql, legend: legendOf(by, "all") };
  }

  /** Which share of the first is the second: of all that is counted, that which fails. 0 where nothing is counted. */
  share<L extends LabelSets>(
    all: CounterDeclaration<L>,
    { by = [], failed, where = "" }: { readonly by?: Cut<L>["by"]; readonly where?: string; readonly failed: string },
  ): Query {
    const failing = this.rate(all, { by, where: [where, failed].filter((one) => one !== "").join(", ") }).promql;
    const counted = this.rate(all, { by, where }).promql;
    return { promql: `${failing}\n/\n(${counted} > 0)\nor\n0 * ${counted}`, legend: legendOf(by, "errors") };
  }

  /** Three lines: the median, and what one in twenty and one in a hundred exceeds. */
  percentiles<L extends LabelSets>(histogram: HistogramDeclaration<L>, cut: Cut<L> = {}): readonly Query[] {
    return PERCENTILES.map((one) => ({
      promql: this.#quantile(one, histogram, cut),
      legend: legendOf(cut.by ?? [], `p${Math.round(one * 100)}`),
    }));
  }

  /** The 95th percentile, a line for each value of the labels. */
  slow<L extends LabelSets>(histogram: HistogramDeclaration<L>, cut: Cut<L>): Query {
    return { promql: this.#quantile(0.95, histogram, cut), legend: legendOf(cut.by ?? [], "p95") };
  }

  /** 0 while nothing is timed: without that it is NaN, and a line that nobody sees between two gaps. */
  #quantile<L extends LabelSets>(quantile: number, histogram: HistogramDeclaration<L>, cut: Cut<L>): string {
    const { by = [], where = "" } = cut;
    const buckets = `${sumBy(["le", ...by])} (rate(${this.#select(`${histogram.name}_bucket`, where)}${WINDOW}))`;
    return `histogram_quantile(${quantile}, ${buckets}) >= 0\nor\n0 * ${this.timed(histogram, cut).promql}`;
  }

  /** How often something was timed. */
  timed<L extends LabelSets>(histogram: HistogramDeclaration<L>, { by = [], where = "" }: Cut<L>): Query {
    const promql = `${sumBy(by)} (rate(${this.#select(`${histogram.name}_count`, where)}${WINDOW}))`;
    return { promql, legend: legendOf(by, "all") };
  }

  /**
   * What every replica says of the one store: a line for each value of the label, once for each release, whatever
   * labels tell the targets of its replicas apart.
   */
  ofStore(
    { name }: Declaration,
    { label, where = "" }: { readonly label?: string; readonly where?: string } = {},
  ): Query {
    const labels = label === undefined ? [] : [label];
    return { promql: `${maxOfReleases(labels)} (${this.#select(name, where)})`, legend: legendOf(labels, name) };
  }

  /** A gauge as each instance has it. */
  each({ name, labels }: Declaration, { where = "" }: Cut<LabelSets> = {}): Query {
    return { promql: this.#select(name, where), legend: legendOf([...Object.keys(labels), "instance"], name) };
  }

  /** How long ago a moment was that a gauge has in seconds since 1970; those that never were are left out. */
  since({ name, labels }: Declaration): Query {
    const isOfJobs = "task" in labels;
    const moment = isOfJobs ? `${maxOfReleases(["task"])} (${this.#select(name)})` : this.#select(name);
    return {
      promql: `time() - (${moment} > 0)`,
      legend: legendOf(isOfJobs ? ["task"] : ["instance", ...Object.keys(labels)], name),
    };
  }

  /**
   * What an alert looks at: of all releases that the reader chose, the worst. Where there is nothing to look at, no
   * request for example, it is 0, but only while its source is there: a page, or what every replica reads of the store.
   */
  lookedAt(alert: string, { of, legend = alert }: { readonly of: "pages" | "store"; readonly legend?: string }): Query {
    const worst = `max (${withMatchers(alertSubject(alert).looksAt, this.#chosen)})`;
    return { promql: `${worst} >= 0\nor\n0 * ${this.#source(of)}`, legend, alert };
  }

  /** For how many releases, instances or whatever an alert is about its expression answers now. */
  answering(alert: string, { of }: { readonly of: "pages" | "store" }): Query {
    const answers = `count (${withMatchers(alertSubject(alert).expr, this.#chosen)})`;
    return { promql: `${answers}\nor\n0 * ${this.#source(of)}`, legend: alert, alert };
  }

  /** How many alerts of Brokkr fire; one that says of everything that it is absent has no job. */
  firing(): Query {
    const firing = this.#select("ALERTS", 'alertname=~"Brokkr.+", alertstate="firing"');
    return { promql: `count (${firing.replace('"$job"', '"$job|"')})\nor\nvector(0)`, legend: "alerts" };
  }

  /** How many programs have a page; 0 when none has. */
  programs(component: "broker" | "agent"): Query {
    const pages = this.#select("brokkr_build_info", `component="${component}"`);
    return { promql: `count (${pages})\nor\nvector(0)`, legend: "programs" };
  }

  #source(of: "pages" | "store"): string {
    return of === "pages"
      ? `group (${this.#select("brokkr_build_info")})`
      : `max by () (${this.#select(STORE_METRICS.activeAgents.name)})`;
  }

  #select(name: string, where = ""): string {
    return `${name}{${[this.#chosen, where].filter((one) => one !== "").join(", ")}}`;
  }
}

/** As the rules take the replicas of a release together. */
function maxOfReleases(labels: readonly string[]): string {
  return `max by (${["cluster", "namespace", "job", ...labels].join(", ")})`;
}

function sumBy(labels: readonly string[]): string {
  return labels.length === 0 ? "sum" : `sum by (${labels.join(", ")})`;
}

function legendOf(labels: readonly string[], otherwise: string): string {
  return labels.length === 0 ? otherwise : labels.map((label) => `{{${label}}}`).join(" ");
}
