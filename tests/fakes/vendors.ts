import { receivedMetrics } from "./otlp_metrics.ts";
import type { ReceivedRequest } from "./otlp_receiver.ts";

/** What a backend publishes of its OTLP endpoint for metrics. */
export interface Vendor {
  readonly url: string;
  /** Headers that a request must have; a value that begins with `<` is the reader's own. */
  readonly headers: Readonly<Record<string, string>>;
  readonly temporality: "delta" | "cumulative" | "any";
  /** Of a request that is not compressed. */
  readonly maxBytes: number;
  /** Its success. */
  readonly status: 200 | 202;
}

const MB = 1_000_000;
const ANY_SIZE = 64 * MB;

/** Stand-ins, by the heading under which the how-to has them. */
export const VENDORS: Readonly<Record<string, Vendor>> = {
  "To an OpenTelemetry Collector": {
    ...{ url: "http://collector.observability:4318/v1/metrics", headers: {}, temporality: "any" },
    ...{ maxBytes: ANY_SIZE, status: 200 },
  },
  "To Prometheus 3": {
    ...{ url: "http://prometheus.observability:9090/api/v1/otlp/v1/metrics", headers: {}, temporality: "cumulative" },
    ...{ maxBytes: ANY_SIZE, status: 200 },
  },
  "To Datadog": {
    ...{ url: "https://otlp.datadoghq.com/v1/metrics", headers: { "dd-api-key": "<" }, temporality: "delta" },
    ...{ maxBytes: MB / 2, status: 202 },
  },
  "To New Relic": {
    ...{ url: "https://otlp.nr-data.net/v1/metrics", headers: { "api-key": "<" }, temporality: "delta" },
    ...{ maxBytes: MB, status: 200 },
  },
  "To Honeycomb": {
    url: "https://api.honeycomb.io/v1/metrics",
    headers: { "x-honeycomb-team": "<", "x-honeycomb-dataset": "brokkr-metrics" },
    ...{ temporality: "any", maxBytes: 15 * MB, status: 200 },
  },
  "To Grafana Cloud": {
    url: "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp/v1/metrics",
    ...{ headers: { authorization: "Basic <" }, temporality: "cumulative", maxBytes: 5 * MB, status: 200 },
  },
};

/** What the vendor answers to a request, by all that it asks for. */
export function answerOf(vendor: Vendor, { url, method, headers, body }: ReceivedRequest): Response {
  const refused = (status: number, why: string) =>
    new Response(why, { status, headers: { "content-type": "text/plain" } });
  if (url !== vendor.url) return refused(404, "no such path");
  if (method !== "POST") return refused(405, "POST only");
  if (headers.get("content-type") !== "application/x-protobuf") return refused(415, "protobuf only");
  const lacking = Object.entries(vendor.headers).find(([name, value]) => !headers.get(name)?.startsWith(value));
  if (lacking !== undefined) return refused(403, `${lacking[0]} is not known here`);
  if (body.length > vendor.maxBytes) return refused(413, "too large");
  const temporalities = receivedMetrics(body).flatMap(({ metrics }) =>
    metrics.flatMap(({ temporality }) => temporality ?? [])
  );
  const isWrong = temporalities.some((one) => vendor.temporality !== "any" && one !== vendor.temporality);
  return isWrong ? refused(400, `${vendor.temporality} only`) : new Response(null, { status: vendor.status });
}
