import type { SpanContext } from "@opentelemetry/api";
import { Buckets } from "$lib/metrics/buckets.ts";
import type { BoundCounter, BoundGauge, BoundHistogram } from "$lib/metrics/bound.ts";
import type { Declaration } from "$lib/metrics/declaration.ts";
import { type Exemplar, exemplarText } from "$lib/metrics/exemplar.ts";
import type { Labels } from "$lib/metrics/label_tree.ts";
import {
  type HistogramPrefixes,
  histogramPrefixes,
  histogramText,
  numberText,
  type PageFormat,
  samplePrefix,
} from "$lib/metrics/text.ts";
import { isSampled } from "$lib/traceparent.ts";

/** One series of a counter; its text is made only when a page is. */
export class CounterSeries implements BoundCounter {
  /** What was added so far. */
  value = 0;
  readonly labels: Labels;
  readonly startMs: number;
  readonly #prefix: string;

  constructor({ name }: Declaration, labels: Labels, startMs: number) {
    this.labels = labels;
    this.startMs = startMs;
    this.#prefix = samplePrefix(name, labels);
  }

  add(value = 1): void {
    if (value > 0) this.value += value;
  }

  text(): string {
    return `${this.#prefix}${numberText(this.value)}\n`;
  }
}

/** One series of a gauge; not on the page before a value is recorded. */
export class GaugeSeries implements BoundGauge {
  /** What was recorded last. */
  value: number | undefined;
  readonly labels: Labels;
  readonly startMs: number;
  readonly #prefix: string;

  constructor({ name }: Declaration, labels: Labels, startMs: number) {
    this.labels = labels;
    this.startMs = startMs;
    this.#prefix = samplePrefix(name, labels);
  }

  record(value: number): void {
    this.value = value;
  }

  text(): string {
    return this.value === undefined ? "" : `${this.#prefix}${numberText(this.value)}\n`;
  }
}

/** One series of a histogram; its text is kept until the next observation, as most stand still between two pages. */
export class HistogramSeries implements BoundHistogram {
  /** Observations in each bucket alone, the last being that above every bound. A plain array, as OTLP needs it. */
  readonly counts: number[];
  sum = 0;
  readonly labels: Labels;
  readonly startMs: number;
  readonly bounds: readonly number[];
  readonly #buckets: Buckets;
  readonly #prefixes: HistogramPrefixes;
  readonly #now: () => number;
  /** The last of each bucket; none is made before a sampled span observes something. */
  #exemplars: (Exemplar | undefined)[] | undefined;
  #text = "";
  #textCount = -1;

  constructor({ name, buckets }: Declaration & { type: "histogram" }, labels: Labels, now: () => number) {
    this.labels = labels;
    this.startMs = now();
    this.#now = now;
    this.bounds = buckets;
    this.#buckets = new Buckets(buckets);
    this.counts = [...buckets, Infinity].map(() => 0);
    this.#prefixes = histogramPrefixes(name, labels, buckets);
  }

  record(value: number, span?: SpanContext): void {
    if (!(value >= 0)) return;
    const { counts } = this;
    const place = this.#buckets.placeOf(value);
    counts[place] = (counts[place] ?? 0) + 1;
    this.sum += value;
    if (span !== undefined && isSampled(span)) this.#keep(place, { span, value, timeMs: this.#now() });
  }

  /** Observations in all buckets; counted here, because every record would be slower for keeping it. */
  get count(): number {
    let count = 0;
    for (const one of this.counts) count += one;
    return count;
  }

  /** With exemplars in OpenMetrics, where there are any. */
  text(format: PageFormat): string {
    const exemplars = format === "openmetrics" ? this.#exemplars : undefined;
    if (exemplars === undefined) return this.#plainText();
    return histogramText(this.#prefixes, this, exemplars.map((one) => one && exemplarText(one)));
  }

  #keep(place: number, exemplar: Exemplar): void {
    this.#exemplars ??= this.counts.map(() => undefined);
    this.#exemplars[place] = exemplar;
  }

  #plainText(): string {
    const { count } = this;
    if (count !== this.#textCount) {
      this.#text = histogramText(this.#prefixes, this);
      this.#text.charCodeAt(0); // makes V8 put the pieces together now, and not in every page that has them
      this.#textCount = count;
    }
    return this.#text;
  }
}

/** One series of any type; `startMs` is when it came to be, which removed and bound again it does anew. */
export type Series = CounterSeries | GaugeSeries | HistogramSeries;
