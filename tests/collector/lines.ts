import type { Attributes, ReceivedHistogram, ReceivedLog, ReceivedPoint, ReceivedSpan, Value } from "./received.ts";

/** Reads what the Collector wrote of metrics: a request a line, in OTLP's JSON. */
export function readPoints(text: string): ReceivedPoint[] {
  return requestsOf(text).flatMap((line, request) =>
    list(line.resourceMetrics).flatMap(({ resource, scopeMetrics }) =>
      list(scopeMetrics).flatMap(({ scope, metrics }) =>
        list(metrics).flatMap((metric) => {
          const came = { resource: attributesOf(resource?.attributes), scope: scope?.name ?? "", request };
          return pointsOf(metric).map((point) => ({ ...came, ...point }));
        })
      )
    )
  );
}

/** Reads what the Collector wrote of traces. */
export function readSpans(text: string): ReceivedSpan[] {
  return requestsOf(text).flatMap((line, request) =>
    list(line.resourceSpans).flatMap(({ resource, scopeSpans }) =>
      list(scopeSpans).flatMap(({ scope, spans }) =>
        list(spans).map((span) => ({
          ...{ resource: attributesOf(resource?.attributes), scope: scope?.name ?? "", request },
          ...spanOf(span),
        }))
      )
    )
  );
}

/** Reads what the Collector wrote of logs. */
export function readLogs(text: string): ReceivedLog[] {
  return requestsOf(text).flatMap((line, request) =>
    list(line.resourceLogs).flatMap(({ resource, scopeLogs }) =>
      list(scopeLogs).flatMap(({ scope, logRecords }) =>
        list(logRecords).map((record) => ({
          ...{ resource: attributesOf(resource?.attributes), scope: scope?.name ?? "", request },
          ...logOf(record),
        }))
      )
    )
  );
}

/** OTLP's JSON as far as it is read; what is zero or empty is left out of it. */
interface Line {
  readonly resourceMetrics?: readonly (Of & { readonly scopeMetrics?: readonly (In & { metrics?: Metric[] })[] })[];
  readonly resourceSpans?: readonly (Of & { readonly scopeSpans?: readonly (In & { spans?: Span[] })[] })[];
  readonly resourceLogs?: readonly (Of & { readonly scopeLogs?: readonly (In & { logRecords?: LogRecord[] })[] })[];
}
interface Of {
  readonly resource?: { readonly attributes?: readonly KeyValue[] };
}
interface In {
  readonly scope?: { readonly name?: string };
}
interface KeyValue {
  readonly key: string;
  readonly value?: AnyValue;
}
interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
}
interface Metric extends Partial<Record<ReceivedPoint["kind"], Points>> {
  readonly name: string;
  readonly description?: string;
  readonly unit?: string;
}
interface Points {
  readonly dataPoints?: readonly Point[];
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
}
interface Point {
  readonly attributes?: readonly KeyValue[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano?: string;
  readonly asInt?: string;
  readonly asDouble?: number | string;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind?: number;
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  readonly attributes?: readonly KeyValue[];
  readonly links?: readonly { traceId: string; spanId: string; attributes?: readonly KeyValue[] }[];
  readonly events?: readonly { name: string; timeUnixNano?: string; attributes?: readonly KeyValue[] }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface LogRecord {
  readonly timeUnixNano?: string;
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly body?: AnyValue;
  readonly attributes?: readonly KeyValue[];
  readonly traceId?: string;
  readonly spanId?: string;
}

const POINT_KINDS = ["sum", "gauge", "histogram", "exponentialHistogram", "summary"] as const;
const TEMPORALITIES = [undefined, "delta", "cumulative"] as const;
const SPAN_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
const STATUSES = ["unset", "ok", "error"] as const;

/** The last line may still be in the making. */
function requestsOf(text: string): Line[] {
  return text.slice(0, text.lastIndexOf("\n") + 1).split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line)
  );
}

function pointsOf(metric: Metric): Omit<ReceivedPoint, "resource" | "scope" | "request">[] {
  const { name, description = "", unit = "" } = metric;
  return POINT_KINDS.flatMap((kind) => {
    const points = metric[kind];
    const temporality = TEMPORALITIES[points?.aggregationTemporality ?? 0];
    return list(points?.dataPoints).map((point) => ({
      ...{ name, description, unit, kind },
      ...(temporality === undefined ? {} : { temporality }),
      ...(kind === "sum" ? { isMonotonic: points?.isMonotonic ?? false } : {}),
      attributes: attributesOf(point.attributes),
      startNanos: BigInt(point.startTimeUnixNano ?? 0),
      timeNanos: BigInt(point.timeUnixNano ?? 0),
      value: kind === "sum" || kind === "gauge" ? Number(point.asDouble ?? point.asInt ?? NaN) : histogramOf(point),
    }));
  });
}

function histogramOf({ count = "0", sum = 0, explicitBounds = [], bucketCounts = [] }: Point): ReceivedHistogram {
  return { count: Number(count), sum, bounds: explicitBounds, counts: bucketCounts.map(Number) };
}

function spanOf(span: Span): Omit<ReceivedSpan, "resource" | "scope" | "request"> {
  return {
    ...{ name: span.name, traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentSpanId ?? "" },
    kind: SPAN_KINDS[span.kind ?? 0] ?? "unspecified",
    startNanos: BigInt(span.startTimeUnixNano ?? 0),
    endNanos: BigInt(span.endTimeUnixNano ?? 0),
    attributes: attributesOf(span.attributes),
    links: list(span.links).map(({ traceId, spanId, attributes }) => ({
      ...{ traceId, spanId, attributes: attributesOf(attributes) },
    })),
    events: list(span.events).map(({ name, timeUnixNano = "0", attributes }) => ({
      ...{ name, timeNanos: BigInt(timeUnixNano), attributes: attributesOf(attributes) },
    })),
    status: STATUSES[span.status?.code ?? 0] ?? "unset",
    statusMessage: span.status?.message ?? "",
  };
}

function logOf(record: LogRecord): Omit<ReceivedLog, "resource" | "scope" | "request"> {
  return {
    timeNanos: BigInt(record.timeUnixNano ?? 0),
    severity: record.severityNumber ?? 0,
    severityText: record.severityText ?? "",
    body: valueOf(record.body),
    attributes: attributesOf(record.attributes),
    ...{ traceId: record.traceId ?? "", spanId: record.spanId ?? "" },
  };
}

function attributesOf(attributes: readonly KeyValue[] | undefined): Attributes {
  return Object.fromEntries(list(attributes).map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: AnyValue = {}): Value {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.arrayValue !== undefined) return list(value.arrayValue.values).map(valueOf);
  if (value.kvlistValue !== undefined) return attributesOf(value.kvlistValue.values);
  return value.stringValue ?? value.boolValue ?? value.bytesValue;
}

function list<Item>(items: readonly Item[] | undefined): readonly Item[] {
  return items ?? [];
}
