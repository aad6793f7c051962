import { Buckets } from "$lib/metrics/buckets.ts";
import {
  checkDeclaration,
  type CounterCell,
  type Declaration,
  type GaugeCell,
  type HistogramCell,
} from "$lib/metrics/declaration.ts";
import { type Labels, LabelTree } from "$lib/metrics/label_tree.ts";
import {
  headText,
  type HistogramPrefixes,
  histogramPrefixes,
  histogramText,
  numberText,
  type PageFormat,
  samplePrefix,
} from "$lib/metrics/text.ts";

/** One series of a counter; its text is made only when a page is. */
export class CounterSeries implements CounterCell {
  /** What was added so far. */
  value = 0;
  readonly labels: Labels;
  readonly #prefix: string;

  constructor({ name }: Declaration, labels: Labels) {
    this.labels = labels;
    this.#prefix = samplePrefix(name, labels);
  }

  add(amount = 1): void {
    if (amount > 0) this.value += amount;
  }

  text(): string {
    return `${this.#prefix}${numberText(this.value)}\n`;
  }
}

/** One series of a gauge; not on the page before it is set. */
export class GaugeSeries implements GaugeCell {
  /** What was set last. */
  value: number | undefined;
  readonly labels: Labels;
  readonly #prefix: string;

  constructor({ name }: Declaration, labels: Labels) {
    this.labels = labels;
    this.#prefix = samplePrefix(name, labels);
  }

  set(value: number): void {
    this.value = value;
  }

  text(): string {
    return this.value === undefined ? "" : `${this.#prefix}${numberText(this.value)}\n`;
  }
}

/** One series of a histogram; its text is kept until the next observation, as most stand still between two pages. */
export class HistogramSeries implements HistogramCell {
  /** Observations in each bucket alone, the last being that above every bound. A plain array, as OTLP needs it. */
  readonly counts: number[];
  sum = 0;
  readonly labels: Labels;
  readonly bounds: readonly number[];
  readonly #buckets: Buckets;
  readonly #prefixes: HistogramPrefixes;
  #text = "";
  #textCount = -1;

  constructor({ name, buckets }: Declaration & { type: "histogram" }, labels: Labels) {
    this.labels = labels;
    this.bounds = buckets;
    this.#buckets = new Buckets(buckets);
    this.counts = [...buckets, Infinity].map(() => 0);
    this.#prefixes = histogramPrefixes(name, labels, buckets);
  }

  record(value: number): void {
    if (!(value >= 0)) return;
    const { counts } = this;
    const place = this.#buckets.placeOf(value);
    counts[place] = (counts[place] ?? 0) + 1;
    this.sum += value;
  }

  /** Observations in all buckets; counted here, because every record would be slower for keeping it. */
  get count(): number {
    let count = 0;
    for (const one of this.counts) count += one;
    return count;
  }

  text(): string {
    const { count } = this;
    if (count !== this.#textCount) {
      this.#text = histogramText(this.#prefixes, this);
      this.#text.charCodeAt(0); // makes V8 put the pieces together now, and not in every page that has them
      this.#textCount = count;
    }
    return this.#text;
  }
}

/** One series of any type. */
export type Series = CounterSeries | GaugeSeries | HistogramSeries;

const MAX_SERIES = 1_000;
const BESIDE_BUCKETS = 3; // the bucket of everything, the sum and the count

/** The series of one declared metric. What its types allow is said by `Family`; here labels are plain records. */
export class SeriesFamily {
  readonly declaration: Declaration;
  readonly #names: readonly string[];
  readonly #onRejected: () => void;
  readonly #series = new Set<Series>();
  readonly #byLabels: LabelTree<Series>;
  #overflow: Series | undefined;

  /** @param onRejected Hears of each `bind` that finds the family full. */
  constructor(declaration: Declaration, onRejected: () => void) {
    checkDeclaration(declaration);
    this.declaration = declaration;
    this.#names = Object.keys(declaration.labels);
    this.#byLabels = new LabelTree(this.#names);
    this.#onRejected = onRejected;
    for (const labels of initialLabels(declaration)) this.bind(labels);
  }

  bind(labels: Labels = {}): Series {
    const known = this.#byLabels.get(labels);
    if (known !== undefined) return known;
    if (this.#series.size >= (this.declaration.maxSeries ?? MAX_SERIES)) return this.#reject();
    const made = this.#make(labels);
    this.#series.add(made);
    this.#byLabels.set(labels, made);
    return made;
  }

  remove(labels: Labels = {}): void {
    const known = this.#byLabels.get(labels);
    if (known === undefined) return;
    this.#series.delete(known);
    this.#byLabels.delete(labels);
  }

  clear(): void {
    this.#series.clear();
    this.#byLabels.clear();
    this.#overflow = undefined;
  }

  /** Everything on the page, in the order of its first use. */
  series(): Series[] {
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
    for (const series of this.#series) samples += series.text();
    if (this.#overflow !== undefined) samples += this.#overflow.text();
    return samples === "" ? "" : headText(this.declaration, format) + samples;
  }

  #make(labels: Labels): Series {
    const { declaration } = this;
    const ordered = Object.fromEntries(this.#names.map((name) => [name, labels[name] ?? ""]));
    if (declaration.type === "counter") return new CounterSeries(declaration, ordered);
    if (declaration.type === "histogram") return new HistogramSeries(declaration, ordered);
    const made = new GaugeSeries(declaration, ordered);
    if (declaration.initial !== undefined) made.set(declaration.initial);
    return made;
  }

  #reject(): Series {
    this.#onRejected();
    this.#overflow ??= this.#make(Object.fromEntries(this.#names.map((name) => [name, "other"])));
    return this.#overflow;
  }
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
