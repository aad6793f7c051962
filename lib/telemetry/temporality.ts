import type { HrTime } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type HistogramMetricData,
  type MetricData,
  type SumMetricData,
} from "@opentelemetry/sdk-metrics";

/** A metric whose points add up from interval to interval. */
export type Additive = (SumMetricData & { readonly isMonotonic: true }) | HistogramMetricData;
type Point = DataPoint<number> | DataPoint<Histogram>;
/**
 * What was last acknowledged of each series of one metric. A series is known by its attributes, one object for its
 * life.
 */
type Baseline = WeakMap<object, Point>;

/**
 * Turns cumulative metrics into what came since they were last acknowledged, series by series: an interval that nobody
 * took is part of the next. A series that was taken away and made again begins anew.
 */
export class DeltaBaselines {
  readonly #byMetric = new Map<string, Baseline>();

  /**
   * What came of a metric.
   *
   * @param scope What tells metrics of the same name apart.
   */
  since(scope: string, metric: Additive): MetricData {
    return intervalsOf(metric, this.#baselineOf(scope, metric));
  }

  /** The receiver has these points now: the next interval of their series begins here. */
  acknowledge(scope: string, metric: Additive): void {
    const baseline = this.#baselineOf(scope, metric);
    for (const point of metric.dataPoints) baseline.set(point.attributes, point);
  }

  #baselineOf(scope: string, { dataPointType, descriptor: { name } }: Additive): Baseline {
    const key = `${scope} ${dataPointType} ${name}`;
    const baseline = this.#byMetric.get(key) ?? new WeakMap();
    this.#byMetric.set(key, baseline);
    return baseline;
  }
}

/** Whether the metric is cumulative, and may be sent as intervals; up-down counters and gauges stay what they are. */
export function isAdditive(metric: MetricData): metric is Additive {
  if (metric.aggregationTemporality !== AggregationTemporality.CUMULATIVE) return false;
  return metric.dataPointType === DataPointType.HISTOGRAM ||
    (metric.dataPointType === DataPointType.SUM && metric.isMonotonic);
}

function intervalsOf(metric: Additive, baseline: Baseline): MetricData {
  const aggregationTemporality = AggregationTemporality.DELTA;
  if (metric.dataPointType === DataPointType.SUM) {
    const dataPoints = metric.dataPoints.map((point) => numberSince(point, numberIn(baseline, point)));
    return { ...metric, aggregationTemporality, dataPoints };
  }
  const dataPoints = metric.dataPoints.map((point) => histogramSince(point, histogramIn(baseline, point)));
  return { ...metric, aggregationTemporality, dataPoints };
}

function numberIn(baseline: Baseline, { attributes }: Point): DataPoint<number> | undefined {
  return baseline.get(attributes) as DataPoint<number> | undefined; // a metric's points are all of its own type
}

function histogramIn(baseline: Baseline, { attributes }: Point): DataPoint<Histogram> | undefined {
  return baseline.get(attributes) as DataPoint<Histogram> | undefined;
}

function numberSince(point: DataPoint<number>, former: DataPoint<number> | undefined): DataPoint<number> {
  if (former === undefined) return point;
  return { ...point, startTime: earlier(former.endTime, point.endTime), value: point.value - former.value };
}

/** Without minimum and maximum, which are those since the start. */
function histogramSince(point: DataPoint<Histogram>, former: DataPoint<Histogram> | undefined): DataPoint<Histogram> {
  if (former === undefined) return point;
  const { buckets: { boundaries, counts }, sum = 0, count } = point.value;
  const { buckets: { counts: formerCounts }, sum: formerSum = 0, count: formerCount } = former.value;
  const since = counts.map((one, at) => one - (formerCounts[at] ?? 0));
  const value = { buckets: { boundaries, counts: since }, sum: sum - formerSum, count: count - formerCount };
  return { ...point, startTime: earlier(former.endTime, point.endTime), value };
}

/** Of two times the earlier one: where the machine's clock was set back, an interval is empty and not negative. */
function earlier(one: HrTime, other: HrTime): HrTime {
  return one[0] < other[0] || (one[0] === other[0] && one[1] <= other[1]) ? one : other;
}
