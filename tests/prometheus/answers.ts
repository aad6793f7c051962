/** A series' labels, `__name__` among them where it has a name. */
export type Labels = Readonly<Record<string, string>>;

/** One series' value at one instant. */
export interface Sample {
  readonly labels: Labels;
  /** `NaN` and both infinities as Prometheus means them. */
  readonly value: number;
  readonly timeSeconds: number;
}

/** An exemplar that a page showed beside a sample. */
export interface Exemplar {
  /** Those of the series, `__name__` among them. */
  readonly series: Labels;
  /** Its own, such as `trace_id`. */
  readonly labels: Labels;
  readonly value: number;
  readonly timeSeconds: number;
}

/** One series over a range of time, oldest first. */
export interface SampleRange {
  readonly labels: Labels;
  readonly points: readonly { readonly value: number; readonly timeSeconds: number }[];
}

/** An alert that is pending or firing; those that are neither are not listed. */
export interface Alert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: "pending" | "firing";
  /** Since when its expression answers, in RFC 3339. */
  readonly activeAt: string;
  readonly value: number;
}

/** A page that is scraped. */
export interface Target {
  readonly labels: Labels;
  /** Those before relabeling: what discovery knows of it, in `__meta_…`. */
  readonly discoveredLabels: Labels;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  /** `unknown` until its first scrape. */
  readonly health: "up" | "down" | "unknown";
  /** Why the last scrape failed, empty when it did not. */
  readonly lastError: string;
  readonly lastScrapeDurationSeconds: number;
}

/** A group of a rules file, as loaded. */
export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly Rule[];
}

/** A rule of a {@linkcode RuleGroup}. */
export interface Rule {
  readonly type: "alerting" | "recording";
  readonly name: string;
  /** Its expression, as Prometheus writes it. */
  readonly query: string;
  /** `unknown` until its first evaluation. */
  readonly health: "ok" | "err" | "unknown";
  /** Why the last evaluation failed, empty when it did not. */
  readonly lastError: string;
  /** Of alerting rules only. */
  readonly state?: "inactive" | "pending" | "firing";
}

/** What a page says of a family, by the family's name. */
export interface Metadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}
