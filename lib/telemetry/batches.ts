import { DataPointType, type MetricData, type ScopeMetrics } from "@opentelemetry/sdk-metrics";

/** Part of what was collected, of so many data points at most. */
export interface Batch {
  readonly scopeMetrics: readonly ScopeMetrics[];
  readonly pointCount: number;
}

/** Cuts what was collected into batches, in its order; a metric with many series may be in several. */
export function* batchesOf(scopes: readonly ScopeMetrics[], maxPoints: number): Generator<Batch> {
  let scopeMetrics: ScopeMetrics[] = [];
  let pointCount = 0;
  for (const { scope, metrics } of scopes) {
    let part: MetricData[] = [];
    for (const metric of metrics) {
      for (let from = 0; from < metric.dataPoints.length;) {
        const to = Math.min(metric.dataPoints.length, from + maxPoints - pointCount);
        part.push(slice(metric, from, to));
        pointCount += to - from;
        from = to;
        if (pointCount < maxPoints) continue;
        yield { scopeMetrics: [...scopeMetrics, { scope, metrics: part }], pointCount };
        [scopeMetrics, part, pointCount] = [[], [], 0];
      }
    }
    if (part.length > 0) scopeMetrics.push({ scope, metrics: part });
  }
  if (pointCount > 0) yield { scopeMetrics, pointCount };
}

/** The metric with those of its points alone. */
function slice(metric: MetricData, from: number, to: number): MetricData {
  if (from === 0 && to === metric.dataPoints.length) return metric;
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return { ...metric, dataPoints: metric.dataPoints.slice(from, to) };
  }
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
    return { ...metric, dataPoints: metric.dataPoints.slice(from, to) };
  }
  if (metric.dataPointType === DataPointType.SUM) return { ...metric, dataPoints: metric.dataPoints.slice(from, to) };
  return { ...metric, dataPoints: metric.dataPoints.slice(from, to) };
}
