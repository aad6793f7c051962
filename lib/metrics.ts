import { createNoopMeter, type MeterProvider as MeterSource } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import {
  type CollectionResult,
  DataPointType,
  type IMetricReader,
  MeterProvider,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import { bound } from "$lib/metrics/bound.ts";
import { counter, type Declaration, gauge, type InstrumentsOf } from "$lib/metrics/declaration.ts";
import { type Foreign, ForeignPage } from "$lib/metrics/foreign.ts";
import { createInstrument, DeclaredMeter, OWN_SCOPE } from "$lib/metrics/meter.ts";
import { collection } from "$lib/metrics/collection.ts";
import { type PageFormat, sampleCount } from "$lib/metrics/text.ts";

export * from "$lib/metrics/bound.ts";
export * from "$lib/metrics/declaration.ts";

/** What the registry says of itself, on both programs' pages. */
export const REGISTRY_METRICS = {
  seriesRejected: counter({
    name: "brokkr_metrics_series_rejected_total",
    help: "Uses of a label set that found its metric full and were counted under labels that are all `other`.",
    example: "increase(brokkr_metrics_series_rejected_total[1h]) > 0",
  }),
  series: gauge({
    name: "brokkr_metrics_series",
    help: "Samples on this page, this one included: what Prometheus calls scrape_samples_scraped.",
    initial: 0,
    isOfPage: true,
    example: "topk(5, brokkr_metrics_series)",
  }),
  scrapeDuration: gauge({
    name: "brokkr_metrics_scrape_duration_seconds",
    help: "Time that the previous page took to make; 0 before the second.",
    initial: 0,
    isOfPage: true,
    example: "brokkr_metrics_scrape_duration_seconds",
  }),
};

/** Makes the instruments of every declared metric of a program, and its page. */
export interface Registry {
  /**
   * Makes the instruments of declarations, under the same keys.
   *
   * @throws {Error} When Prometheus would refuse a declaration, or its name is taken.
   */
  register<const D extends Readonly<Record<string, Declaration>>>(declarations: D): InstrumentsOf<D>;
  /** Has `read` set, right before each page and each collection, what is only worth reading then. */
  onCollect(read: () => void): void;
  /** The page's text, SDK instruments included; rejects when one of those can't be collected. Undefined: no page. */
  readonly page: ((format: PageFormat) => Promise<string>) | undefined;
  /**
   * OpenTelemetry's. The scope `brokkr` has the declared instruments, and no others; what any other scope makes shows
   * up on the page below them.
   */
  readonly meterProvider: MeterSource;
  /** The registry's own metrics, but those that are the page's, for readers of the OpenTelemetry SDK. */
  readonly producer: MetricProducer;
}

/** What a {@linkcode Registry} needs. */
export interface RegistryParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Readers of what other scopes make, beside the page. */
  readonly readers?: readonly IMetricReader[];
}

/** The registry of a program whose metrics are on. */
export function createRegistry({ clock, log, readers = [] }: RegistryParts): Registry {
  const meter = new DeclaredMeter({ now: () => clock.now(), onRejected: () => rejected.add() });
  function declare<D extends Declaration>(declaration: D) {
    meter.declare(declaration);
    return createInstrument(meter, declaration);
  }

  const self = mapped(REGISTRY_METRICS, declare);
  const [rejected, series] = [bound(self.seriesRejected), bound(self.series)];
  const scrapeDuration = bound(self.scrapeDuration);
  const reads: (() => void)[] = [];
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutTargetInfo: true,
    withoutScopeInfo: true,
  });
  const foreign = new ForeignPage(log);
  const others = new MeterProvider({ readers: [exporter, ...readers] });
  return {
    register: (declarations) => mapped(declarations, declare),
    onCollect: (read) => reads.push(read),
    async page(format) {
      const beginMs = clock.monotonic();
      const collected = foreignMetrics(await exporter.collect());
      reads.forEach((read) => read());
      const own = meter.families;
      const rest = foreign.text(collected, { format, own: own.map(({ declaration }) => declaration) });
      series.record(own.reduce((sum, family) => sum + family.sampleCount(), sampleCount(rest)));
      const text = own.reduce((page, family) => page + family.text(format), "");
      scrapeDuration.record((clock.monotonic() - beginMs) / 1_000);
      return format === "openmetrics" ? `${text}${rest}# EOF\n` : text + rest;
    },
    meterProvider: {
      getMeter: (name, version, options) => name === OWN_SCOPE ? meter : others.getMeter(name, version, options),
    },
    producer: {
      collect() {
        reads.forEach((read) => read());
        return Promise.resolve(collection(meter.families, clock.now()));
      },
    },
  };
}

/** The registry of a program whose metrics are off: its instruments are the API's own that do nothing. */
export function disabledRegistry(): Registry {
  const meter = createNoopMeter();
  return {
    register: (declarations) => mapped(declarations, (declaration) => createInstrument(meter, declaration)),
    onCollect: () => {},
    page: undefined,
    meterProvider: { getMeter: () => meter },
    producer: { collect: () => Promise.resolve(collection([], 0)) },
  };
}

/** The one place where instruments, of any type inside, get the types that their declarations give them. */
function mapped<D extends Readonly<Record<string, Declaration>>>(
  declarations: D,
  make: (declaration: Declaration) => unknown,
): InstrumentsOf<D> {
  return Object.fromEntries(
    Object.entries(declarations).map(([key, declaration]) => [key, make(declaration)]),
  ) as InstrumentsOf<D>;
}

/** What the SDK collected from instruments that others made, as the page needs it. */
function foreignMetrics({ resourceMetrics, errors }: CollectionResult): Foreign[] {
  if (errors.length > 0) {
    throw new AggregateError(errors, "Cannot collect the metrics: an instrument's callback failed");
  }
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics.map(foreignMetric));
}

function foreignMetric(data: MetricData): Foreign {
  const { name, description: help, unit } = data.descriptor;
  const common = { name, help, unit };
  if (data.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) return { ...common, type: "unwritable", points: [] };
  if (data.dataPointType === DataPointType.HISTOGRAM) {
    const points = data.dataPoints.map(({ attributes, value: { buckets, sum } }) => ({
      attributes,
      histogram: { bounds: buckets.boundaries, counts: buckets.counts, sum: sum ?? 0 },
    }));
    return { ...common, type: "histogram", points };
  }
  const isCounter = data.dataPointType === DataPointType.SUM && data.isMonotonic;
  return { ...common, type: isCounter ? "counter" : "gauge", points: data.dataPoints };
}
