import type { Signal } from "$lib/settings.ts";
import { receivedLines } from "./otlp_logs.ts";
import { receivedMetrics } from "./otlp_metrics.ts";
import type { ReceivedRequest } from "./otlp_receiver.ts";
import { receivedSpans } from "./otlp_spans.ts";

/** What a backend publishes of its OTLP endpoints. */
export interface Vendor {
  /** Where each signal that it takes goes. */
  readonly urls: Readonly<Partial<Record<Signal, string>>>;
  /** Headers that a request must have; a value that begins with `<` is the reader's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** Those of metrics besides. */
  readonly metricsHeaders?: Readonly<Record<string, string>>;
  readonly temporality: "delta" | "cumulative" | "any";
  /** Of a request that is not compressed. */
  readonly maxBytes: number;
  /** Its success. */
  readonly status: 200 | 202;
}

const MB = 1_000_000;
const ANY_SIZE = 64 * MB;

function below(base: string): Vendor["urls"] {
  return { metrics: `${base}/v1/metrics`, traces: `${base}/v1/traces`, logs: `${base}/v1/logs` };
}

/** Stand-ins, by the heading under which the how-to has them. */
export const VENDORS: Readonly<Record<string, Vendor>> = {
  "To an OpenTelemetry Collector": {
    ...{ urls: below("http://collector.observability:4318"), headers: {}, temporality: "any" },
    ...{ maxBytes: ANY_SIZE, status: 200 },
  },
  "To Prometheus 3": {
    urls: { metrics: "http://prometheus.observability:9090/api/v1/otlp/v1/metrics" },
    ...{ headers: {}, temporality: "cumulative", maxBytes: ANY_SIZE, status: 200 },
  },
  "To Datadog": {
    ...{ urls: below("https://otlp.datadoghq.com"), headers: { "dd-api-key": "<" }, temporality: "delta" },
    ...{ maxBytes: MB / 2, status: 202 },
  },
  "To New Relic": {
    ...{ urls: below("https://otlp.nr-data.net"), headers: { "api-key": "<" }, temporality: "delta" },
    ...{ maxBytes: MB, status: 200 },
  },
  "To Honeycomb": {
    ...{ urls: below("https://api.honeycomb.io"), headers: { "x-honeycomb-team": "<" } },
    metricsHeaders: { "x-honeycomb-dataset": "brokkr-metrics" },
    ...{ temporality: "any", maxBytes: 15 * MB, status: 200 },
  },
  "To Grafana Cloud": {
    urls: below("https://otlp-gateway-prod-eu-west-2.grafana.net/otlp"),
    ...{ headers: { authorization: "Basic <" }, temporality: "cumulative", maxBytes: 5 * MB, status: 200 },
  },
};

/** What the vendor answers to a request, by all that it asks for. */
export function answerOf(vendor: Vendor, request: ReceivedRequest): Response {
  const { method, headers, body } = request;
  const refused = (status: number, why: string) =>
    new Response(why, { status, headers: { "content-type": "text/plain" } });
  const signal = signalOf(vendor, request);
  if (signal === undefined) return refused(404, "no such path");
  if (method !== "POST") return refused(405, "POST only");
  if (headers.get("content-type") !== "application/x-protobuf") return refused(415, "protobuf only");
  const wanted = { ...vendor.headers, ...(signal === "metrics" && vendor.metricsHeaders) };
  const lacking = Object.entries(wanted).find(([name, value]) => !headers.get(name)?.startsWith(value));
  if (lacking !== undefined) return refused(403, `${lacking[0]} is not known here`);
  const foreign = Object.keys(vendor.metricsHeaders ?? {}).find((name) => signal !== "metrics" && headers.has(name));
  if (foreign !== undefined) return refused(400, `${foreign} is for metrics`);
  if (body.length > vendor.maxBytes) return refused(413, "too large");
  const { temporality } = vendor;
  const isWrong = signal === "metrics" && temporality !== "any" &&
    temporalitiesIn(body).some((one) => one !== temporality);
  return isWrong ? refused(400, `${temporality} only`) : new Response(null, { status: vendor.status });
}

/** Which signal a request's path is for; none where the vendor has no such path. */
export function signalOf({ urls }: Vendor, { url }: Pick<ReceivedRequest, "url">): Signal | undefined {
  return (Object.keys(urls) as Signal[]).find((signal) => urls[signal] === url);
}

/** How many points, spans or lines a request holds: what is none of its signal holds nothing. */
export function countIn(signal: Signal, body: Uint8Array): number {
  if (signal === "traces") return receivedSpans(body).length;
  if (signal === "logs") return receivedLines(body).length;
  return receivedMetrics(body).flatMap(({ metrics }) => metrics).length;
}

function temporalitiesIn(body: Uint8Array) {
  return receivedMetrics(body).flatMap(({ metrics }) => metrics.flatMap(({ temporality }) => temporality ?? []));
}
