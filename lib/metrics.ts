/** The values a label may have: a closed set, or `text` for a set that is bounded where it is recorded. */
export type LabelValues = readonly string[] | "text";
/** A metric's labels, by name, in the order of the page. */
export type LabelSets = Readonly<Record<string, LabelValues>>;
/** One value for each label. */
export type LabelsOf<L extends LabelSets> = {
  readonly [Name in keyof L]: L[Name] extends readonly (infer Value)[] ? Value : string;
};

interface Declared<Type extends string, L extends LabelSets> {
  readonly type: Type;
  readonly name: string;
  readonly help: string;
  readonly labels: L;
  /** How many label sets the page may hold before the rest fall into one whose labels are all `other`; default 1,000. */
  readonly maxSeries?: number;
}

/** A counter, declared as data. */
export type CounterDeclaration<L extends LabelSets> = Declared<"counter", L>;
/** A gauge, declared as data; `initial` puts it on the page from the start. */
export type GaugeDeclaration<L extends LabelSets> = Declared<"gauge", L> & { readonly initial?: number };
/** A histogram of seconds, declared as data. */
export type HistogramDeclaration<L extends LabelSets> = Declared<"histogram", L> & {
  readonly unit: "s";
  readonly buckets: readonly number[];
};
/** Any metric, declared as data. */
export type Declaration =
  | CounterDeclaration<LabelSets>
  | GaugeDeclaration<LabelSets>
  | HistogramDeclaration<LabelSets>;

/** A cell of a counter: one series. */
export interface CounterCell {
  /** Adds `amount` (1 when left out); never less than 0. */
  add(amount?: number): void;
}
/** A cell of a gauge: one series. */
export interface GaugeCell {
  set(value: number): void;
}
/** A cell of a histogram: one set of buckets, a sum and a count. */
export interface HistogramCell {
  /** Records one observation, in the declared unit. */
  record(value: number): void;
}

/** What is kept of a declared metric: its cells, made by `bind` once and kept by their user. */
export interface Family<L extends LabelSets, Cell> {
  /** The cell of these label values; the same one for the same values. */
  bind(labels: LabelsOf<L>): Cell;
  /** Takes the series of these label values off the page. */
  remove(labels: LabelsOf<L>): void;
}
/** A counter's family. */
export type Counter<L extends LabelSets> = Family<L, CounterCell>;
/** A gauge's family. */
export type Gauge<L extends LabelSets> = Family<L, GaugeCell>;
/** A histogram's family. */
export type Histogram<L extends LabelSets> = Family<L, HistogramCell>;

/** The family that belongs to a declaration. */
export type FamilyOf<D> = D extends CounterDeclaration<infer L> ? Counter<L>
  : D extends GaugeDeclaration<infer L> ? Gauge<L>
  : D extends HistogramDeclaration<infer L> ? Histogram<L>
  : never;
/** The families of a record of declarations, under the same keys. */
export type FamiliesOf<D extends Readonly<Record<string, Declaration>>> = {
  readonly [Key in keyof D]: FamilyOf<D[Key]>;
};
