import type { Context, Counter, Gauge, Histogram } from "@opentelemetry/api";
import { MAX_BOUNDS } from "$lib/metrics/buckets.ts";

/** The values a label may have: a closed set, or `text` for a set that is bounded where it is recorded. */
export type LabelValues = readonly string[] | "text";
/** A metric's labels, by name, in the order of the page. */
export type LabelSets = Readonly<Record<string, LabelValues>>;
/** The labels of a metric that has none. */
export type NoLabels = Readonly<Record<never, never>>;
/** One value for each label. */
export type LabelsOf<L extends LabelSets> = {
  readonly [Name in keyof L]: L[Name] extends readonly (infer Value)[] ? Value : string;
};

interface Declared<Type extends string, L extends LabelSets> {
  readonly type: Type;
  readonly name: string;
  readonly help: string;
  /**
   * A PromQL expression that shows what the metric is for: the documents have it, and a real Prometheus is asked it.
   */
  readonly example?: string;
  readonly labels: L;
  /**
   * How many label sets the page may hold before the rest fall into one whose labels are all `other`; default 1,000.
   */
  readonly maxSeries?: number;
  /** Says something of the page, or of its target: readers that push are not given it. */
  readonly isOfPage?: true;
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

/** What is written of a declaration; `job` and `instance` are Prometheus's own labels. */
type Written<D extends { readonly labels: LabelSets }> = Omit<D, "type" | "labels"> & {
  readonly labels?: D["labels"] & { readonly job?: never; readonly instance?: never };
};

/** Declares a counter; its name ends in `_total`. Where every label's set is closed, all its series start at 0. */
export function counter<const L extends LabelSets = NoLabels>(
  { labels, ...rest }: Written<CounterDeclaration<L>>,
): CounterDeclaration<L> {
  return { type: "counter", labels: labels ?? ({} as L), ...rest };
}

/** Declares a gauge; its series appear when they are set, or at once where `initial` is given. */
export function gauge<const L extends LabelSets = NoLabels>(
  { labels, ...rest }: Written<GaugeDeclaration<L>>,
): GaugeDeclaration<L> {
  return { type: "gauge", labels: labels ?? ({} as L), ...rest };
}

/** Declares a histogram; its name ends in `_seconds`. Where every label's set is closed, all its series start at 0. */
export function histogram<const L extends LabelSets = NoLabels>(
  { labels, ...rest }: Written<HistogramDeclaration<L>>,
): HistogramDeclaration<L> {
  return { type: "histogram", labels: labels ?? ({} as L), ...rest };
}

/** The attributes of a measurement: one value for each label, which a metric without labels does without. */
type Measured<L extends LabelSets> = keyof L extends never ? [attributes?: LabelsOf<L>, context?: Context]
  : [attributes: LabelsOf<L>, context?: Context];
/** OpenTelemetry's `Counter`, of a declared metric. */
interface DeclaredCounter<L extends LabelSets> extends Counter<LabelsOf<L>> {
  add(value: number, ...measured: Measured<L>): void;
}
/** OpenTelemetry's `Gauge`, of a declared metric. */
interface DeclaredGauge<L extends LabelSets> extends Gauge<LabelsOf<L>> {
  record(value: number, ...measured: Measured<L>): void;
}
/** OpenTelemetry's `Histogram`, of a declared metric. */
interface DeclaredHistogram<L extends LabelSets> extends Histogram<LabelsOf<L>> {
  record(value: number, ...measured: Measured<L>): void;
}

/** The instrument of a declaration, of the OpenTelemetry API's type; here no label can be left out. */
export type InstrumentOf<D> = D extends CounterDeclaration<infer L> ? DeclaredCounter<L>
  : D extends HistogramDeclaration<infer L> ? DeclaredHistogram<L>
  : D extends GaugeDeclaration<infer L> ? DeclaredGauge<L>
  : never;
/** The instruments of a record of declarations, under the same keys. */
export type InstrumentsOf<D extends Readonly<Record<string, Declaration>>> = {
  readonly [Key in keyof D]: InstrumentOf<D[Key]>;
};

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const RESERVED_LABELS: readonly string[] = ["job", "instance", "le", "quantile"];

/** Whether a label may have this name, and none that Prometheus sets itself. */
export function isLabelName(name: string): boolean {
  return labelNameFault(name) === undefined;
}

function labelNameFault(name: string): string | undefined {
  if (!NAME.test(name) || name.startsWith("__")) return "is no label name";
  return RESERVED_LABELS.includes(name) ? "belongs to Prometheus" : undefined;
}

/**
 * Refuses a declaration that Prometheus would.
 *
 * @throws {Error} Names every fault of the declaration at once.
 */
export function checkDeclaration(declaration: Declaration): void {
  const faults = [...nameFaults(declaration), ...labelFaults(declaration), ...bucketFaults(declaration)];
  if (faults.length > 0) throw new Error(`Cannot register "${declaration.name}": ${faults.join(", ")}`);
}

function nameFaults({ type, name, help }: Declaration): string[] {
  const suffix = { counter: "_total", gauge: "", histogram: "_seconds" }[type];
  return [
    ...(NAME.test(name) ? [] : ["its name has letters that Prometheus does not allow"]),
    ...(name.endsWith(suffix) ? [] : [`the name of a ${type} ends in ${suffix}`]),
    ...(help === "" ? ["its help is empty"] : []),
  ];
}

function labelFaults({ labels, maxSeries }: Declaration): string[] {
  const faults = maxSeries === undefined || maxSeries > 0 ? [] : ["maxSeries is less than 1"];
  for (const [name, values] of Object.entries(labels)) {
    const fault = labelNameFault(name);
    if (fault !== undefined) faults.push(`label "${name}" ${fault}`);
    if (values !== "text" && new Set(values).size < values.length) faults.push(`label "${name}" has a value twice`);
  }
  return faults;
}

function bucketFaults(declaration: Declaration): string[] {
  if (declaration.type !== "histogram") return [];
  const { buckets } = declaration;
  const grows = buckets.every((bound, at) => Number.isFinite(bound) && bound > (buckets[at - 1] ?? 0));
  return [
    ...(buckets.length > 0 && grows ? [] : ["its buckets are not growing numbers above 0"]),
    ...(buckets.length > MAX_BOUNDS ? [`it has more than ${MAX_BOUNDS} buckets`] : []),
  ];
}
