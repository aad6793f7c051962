import { Message } from "./protobuf.ts";

/** What a receiver of OTLP finds in a request that sends metrics. */
export interface ReceivedMetrics {
  readonly resource: Readonly<Record<string, string>>;
  readonly metrics: readonly ReceivedMetric[];
}

/** One metric of a request. */
export interface ReceivedMetric {
  readonly scope: string;
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly type: "gauge" | "sum" | "histogram";
  readonly temporality: "delta" | "cumulative" | undefined;
  readonly isMonotonic: boolean;
  readonly points: readonly ReceivedPoint[];
}

/** One point of a metric: a number, or a histogram's buckets, sum and count. */
export interface ReceivedPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: number;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

const TYPES = { gauge: 5, sum: 7, histogram: 9 } as const;
const TEMPORALITIES = [undefined, "delta", "cumulative"] as const;

/** Reads an `ExportMetricsServiceRequest`, written down from OTLP's definition and not by the library that sends it. */
export function receivedMetrics(request: Uint8Array): ReceivedMetrics[] {
  return new Message(request).messages(1).map((resourceMetrics) => ({
    resource: Object.assign({}, ...resourceMetrics.messages(1).map((resource) => attributesOf(resource, 1))),
    metrics: resourceMetrics.messages(2).flatMap((scopeMetrics) => {
      const scope = scopeMetrics.messages(1).map((one) => one.text(1)).join("");
      return scopeMetrics.messages(2).map((metric) => metricOf(scope, metric));
    }),
  }));
}

function metricOf(scope: string, metric: Message): ReceivedMetric {
  const type = (["gauge", "sum", "histogram"] as const).find((one) => metric.has(TYPES[one]));
  if (type === undefined) throw new TypeError(`The metric ${metric.text(1)} has no type that is known here`);
  const [body] = metric.messages(TYPES[type]);
  const temporality = TEMPORALITIES[Number(body?.integer(2) ?? 0n)];
  const isMonotonic = type === "sum" && body?.integer(3) === 1n;
  const points = body?.messages(1).map(type === "histogram" ? histogramPoint : numberPoint) ?? [];
  const [name, help, unit] = [metric.text(1), metric.text(2), metric.text(3)];
  return { scope, name, help, unit, type, temporality, isMonotonic, points };
}

function numberPoint(point: Message): ReceivedPoint {
  const value = point.double(4) ?? Number(BigInt.asIntN(64, point.integer(6)));
  return { ...timesOf(point), labels: attributesOf(point, 7), value, bounds: [], counts: [], sum: 0, count: 0 };
}

function histogramPoint(point: Message): ReceivedPoint {
  return {
    ...timesOf(point),
    labels: attributesOf(point, 9),
    value: 0,
    bounds: point.doubles(7),
    counts: point.integers(6).map(Number),
    sum: point.double(5) ?? 0,
    count: Number(point.integer(4)),
  };
}

function timesOf(point: Message): Pick<ReceivedPoint, "startMs" | "endMs"> {
  return { startMs: Number(point.integer(2) / 1_000_000n), endMs: Number(point.integer(3) / 1_000_000n) };
}

function attributesOf(message: Message, number: number): Record<string, string> {
  return Object.fromEntries(
    message.messages(number).map((pair) => [pair.text(1), pair.messages(2).map((value) => value.text(1)).join("")]),
  );
}
