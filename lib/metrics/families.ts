import type { Attributes, Context, Counter, Gauge, Histogram } from "@opentelemetry/api";
import {
  checkDeclaration,
  type CounterDeclaration,
  type Declaration,
  type GaugeDeclaration,
  type HistogramDeclaration,
  type LabelSets,
  type LabelValues,
} from "$lib/metrics/declaration.ts";
import { spanOf } from "$lib/metrics/exemplar.ts";
import { type Labels, LabelTree } from "$lib/metrics/label_tree.ts";
import { CounterSeries, GaugeSeries, HistogramSeries, type Series } from "$lib/metrics/series.ts";
import { headText, type PageFormat } from "$lib/metrics/text.ts";

const MAX_SERIES = 1_000;
const BESIDE_BUCKETS = 3; // the bucket of everything, the sum and the count
const OTHER = "other";

/** What a family needs. */
export interface FamilyParts {
  /** The time, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Hears of each `bind` that finds the family full. */
  readonly onRejected: () => void;
}

/** The series of one declared metric. */
export abstract class SeriesFamily<D extends Declaration = Declaration, S extends Series = Series> {
  readonly declaration: D;
  readonly #names: readonly string[];
  readonly #parts: FamilyParts;
  readonly #series = new Set<S>();
  readonly #byLabels: LabelTree<S>;
  #overflow: S | undefined;

  constructor(declaration: D, parts: FamilyParts) {
    checkDeclaration(declaration);
    this.declaration = declaration;
    this.#names = Object.keys(declaration.labels);
    this.#byLabels = new LabelTree(this.#names);
    this.#parts = parts;
    for (const labels of initialLabels(declaration)) this.bind(labels);
  }

  /** Makes a series of these labels that begins now. */
  protected abstract makeSeries(labels: Labels, now: () => number): S;

  /**
   * The series of these attributes; the same one for the same. An attribute that is no label is left out, and what is
   * no value of a closed label counts under `other`.
   */
  bind(attributes: Attributes = {}): S {
    return this.#byLabels.get(attributes) ?? this.#seriesOf(this.#labelsOf(attributes));
  }

  /** Takes the series of these attributes off the page; whoever kept it moves nothing any more. */
  remove(attributes: Attributes = {}): void {
    const labels = this.#labelsOf(attributes);
    const known = this.#byLabels.get(labels);
    if (known === undefined) return;
    this.#series.delete(known);
    this.#byLabels.delete(labels);
  }

  /** Takes every series off the page, as {@linkcode SeriesFamily.remove} does. */
  clear(): void {
    this.#series.clear();
    this.#byLabels.clear();
    this.#overflow = undefined;
  }

  /** Everything on the page, in the order of its first use. */
  series(): S[] {
    const all = this.#overflow === undefined ? this.#series : [...this.#series, this.#overflow];
    return [...all].filter((one) => !(one instanceof GaugeSeries && one.value === undefined));
  }

  /** How many samples the family has on the page. */
  sampleCount(): number {
    const { declaration } = this;
    if (declaration.type === "gauge") return this.series().length;
    const count = this.#series.size + (this.#overflow === undefined ? 0 : 1);
    return declaration.type === "histogram" ? count * (declaration.buckets.length + BESIDE_BUCKETS) : count;
  }

  /** The family's part of the page; empty where no series has a value. */
  text(format: PageFormat): string {
    let samples = "";
    for (const series of this.#series) samples += series.text(format);
    if (this.#overflow !== undefined) samples += this.#overflow.text(format);
    return samples === "" ? "" : headText(this.declaration, format) + samples;
  }

  #seriesOf(labels: Labels): S {
    const known = this.#byLabels.get(labels);
    if (known !== undefined) return known;
    if (this.#series.size >= (this.declaration.maxSeries ?? MAX_SERIES)) return this.#reject();
    const made = this.makeSeries(labels, this.#parts.now);
    this.#series.add(made);
    this.#byLabels.set(labels, made);
    return made;
  }

  /** In the order of the declaration. */
  #labelsOf(attributes: Attributes): Labels {
    const { labels } = this.declaration;
    return Object.fromEntries(this.#names.map((name) => [name, labelValue(attributes[name], labels[name])]));
  }

  #reject(): S {
    const { onRejected, now } = this.#parts;
    onRejected();
    this.#overflow ??= this.makeSeries(Object.fromEntries(this.#names.map((name) => [name, OTHER])), now);
    return this.#overflow;
  }
}

/** A declared counter. */
export class CounterFamily extends SeriesFamily<CounterDeclaration<LabelSets>, CounterSeries> implements Counter {
  add(value: number, attributes?: Attributes): void {
    this.bind(attributes).add(value);
  }

  protected override makeSeries(labels: Labels, now: () => number): CounterSeries {
    return new CounterSeries(this.declaration, labels, now());
  }
}

/** A declared gauge. */
export class GaugeFamily extends SeriesFamily<GaugeDeclaration<LabelSets>, GaugeSeries> implements Gauge {
  record(value: number, attributes?: Attributes): void {
    this.bind(attributes).record(value);
  }

  protected override makeSeries(labels: Labels, now: () => number): GaugeSeries {
    const made = new GaugeSeries(this.declaration, labels, now());
    if (this.declaration.initial !== undefined) made.record(this.declaration.initial);
    return made;
  }
}

/** A declared histogram. */
export class HistogramFamily extends SeriesFamily<HistogramDeclaration<LabelSets>, HistogramSeries>
  implements Histogram {
  record(value: number, attributes?: Attributes, context?: Context): void {
    this.bind(attributes).record(value, spanOf(context));
  }

  protected override makeSeries(labels: Labels, now: () => number): HistogramSeries {
    return new HistogramSeries(this.declaration, labels, now);
  }
}

/** What a label says of an attribute's value: a closed one nothing but what it declares. */
function labelValue(value: unknown, allowed: LabelValues = "text"): string {
  const text = typeof value === "string" ? value : value === undefined ? "" : String(value);
  return allowed === "text" || allowed.includes(text) ? text : OTHER;
}

/** Every label set that is on the page from the start: all of them where each label's set is closed. */
function initialLabels(declaration: Declaration): Labels[] {
  if (declaration.type === "gauge" && declaration.initial === undefined) return [];
  let all: Labels[] = [{}];
  for (const [name, values] of Object.entries(declaration.labels)) {
    if (values === "text") return [];
    all = all.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value })));
  }
  return all;
}
