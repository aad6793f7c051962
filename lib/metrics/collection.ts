import { ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
} from "@opentelemetry/sdk-metrics";
import { hrTime } from "$lib/hr_time.ts";
import type { SeriesFamily } from "$lib/metrics/families.ts";
import { OWN_SCOPE } from "$lib/metrics/meter.ts";
import { CounterSeries, GaugeSeries, HistogramSeries, type Series } from "$lib/metrics/series.ts";
import { VERSION } from "$lib/program/version.ts";

/**
 * Declared metrics as the readers of the OpenTelemetry SDK know them: cumulative, each series since it came to be.
 *
 * @param endMs The time of the collection, in milliseconds since the Unix epoch.
 */
export function collection(families: readonly SeriesFamily[], endMs: number): CollectionResult {
  const pushed = families.filter(({ declaration }) => declaration.isOfPage !== true);
  const metrics = pushed.map((family) => metricData(family, endMs)).filter(({ dataPoints }) => dataPoints.length > 0);
  const scope = { name: OWN_SCOPE, version: VERSION };
  return {
    resourceMetrics: { resource: resourceFromAttributes({}), scopeMetrics: [{ scope, metrics }] },
    errors: [],
  };
}

function metricData(family: SeriesFamily, endMs: number): MetricData {
  const { declaration } = family;
  const { name, help } = declaration;
  const unit = declaration.type === "histogram" ? declaration.unit : "";
  const common = {
    descriptor: { name, description: help, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const point = <T>({ labels, startMs }: Series, value: T) => ({
    startTime: hrTime(Math.min(startMs, endMs)), // the clock may have been set back
    endTime: hrTime(endMs),
    attributes: labels,
    value,
  });
  const all = family.series();
  if (declaration.type === "histogram") {
    const histograms = all.filter((one) => one instanceof HistogramSeries);
    const dataPoints = histograms.map((one) => point(one, histogramValue(one)));
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const singles = all.filter((one) => one instanceof CounterSeries || one instanceof GaugeSeries);
  const dataPoints = singles.map((one) => point(one, one.value ?? 0));
  return declaration.type === "counter"
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
}

function histogramValue({ bounds, counts, sum, count }: HistogramSeries) {
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count };
}
