import type { Log } from "$lib/log.ts";
import type { Declaration } from "$lib/metrics/declaration.ts";
import {
  cleanName,
  familyName,
  headText,
  histogramPrefixes,
  histogramText,
  numberText,
  type PageFormat,
  samplePrefix,
} from "$lib/metrics/text.ts";

type Attributes = Readonly<Record<string, unknown>>;

interface ForeignMetric<Type extends string, Point> {
  /** As its maker named it, dots and all. */
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly type: Type;
  readonly points: readonly Point[];
}

interface SinglePoint {
  readonly attributes: Attributes;
  readonly value: number;
}

interface HistogramPoint {
  readonly attributes: Attributes;
  readonly histogram: { readonly bounds: readonly number[]; readonly counts: readonly number[]; readonly sum: number };
}

/** A metric that somebody else's instrument made; `unwritable` ones have no form in Prometheus's text. */
export type Foreign =
  | ForeignMetric<"counter" | "gauge", SinglePoint>
  | ForeignMetric<"histogram", HistogramPoint>
  | ForeignMetric<"unwritable", never>;

type Writable = Exclude<Foreign, { readonly type: "unwritable" }>;

/** What a page has beside foreign metrics. */
export interface OwnPage {
  readonly format: PageFormat;
  readonly own: readonly Declaration[];
}

/** Writes what instruments of the OpenTelemetry SDK have to say, below the registry's own metrics. */
export class ForeignPage {
  readonly #log: Log;
  readonly #leftOut = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * One part of a page: each name once, whether of a family or of its samples, and none that the registry has. What is
   * left out is logged once.
   */
  text(metrics: readonly Foreign[], { format, own }: OwnPage): string {
    const taken = new Set(own.flatMap(namesOf));
    let text = "";
    for (const metric of metrics) {
      const name = prometheusName(metric);
      const names = metric.type === "unwritable" ? [name] : namesOf({ name, type: metric.type });
      if (metric.type === "unwritable") this.#leaveOut(name, "it is an exponential histogram");
      else if (names.some((one) => taken.has(one))) this.#leaveOut(name, "the name is taken");
      else text += metricText(name, metric, format);
      names.forEach((one) => taken.add(one));
    }
    return text;
  }

  #leaveOut(metric: string, reason: string): void {
    if (this.#leftOut.has(metric)) return;
    this.#leftOut.add(metric);
    this.#log.warn("a metric is left out of the page", { metric, reason });
  }
}

/** What a page has a metric's family and samples by. */
function namesOf({ name, type }: Pick<Declaration, "name" | "type">): readonly string[] {
  const samples = type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix) : [];
  return [name, familyName(name, type), ...samples];
}

function metricText(name: string, metric: Writable, format: PageFormat): string {
  const { type, help, unit } = metric;
  const samples = type === "histogram"
    ? metric.points.map((point) => histogramSamples(name, point))
    : metric.points.map(({ attributes, value }) => `${samplePrefix(name, labelsOf(attributes))}${numberText(value)}\n`);
  return headText({ name, type, help: help || "No description.", unit }, format) + samples.join("");
}

function histogramSamples(name: string, { attributes, histogram }: HistogramPoint): string {
  const bounds = histogram.bounds.filter(Number.isFinite);
  return histogramText(histogramPrefixes(name, labelsOf(attributes), bounds), histogram);
}

function prometheusName({ name, type }: Foreign): string {
  const clean = cleanName(name);
  return type === "counter" && !clean.endsWith("_total") ? `${clean}_total` : clean;
}

/**
 * Attributes whose names become the same share one label, their values joined: twice the same would drop the target.
 */
function labelsOf(attributes: Attributes): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [attribute, value] of Object.entries(attributes)) {
    const label = cleanName(attribute);
    const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
    labels[label] = Object.hasOwn(labels, label) ? `${labels[label]};${text}` : text;
  }
  return labels;
}
