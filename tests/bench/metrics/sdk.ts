import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Contender } from "./contenders.ts";
import { BUCKETS, labelSets, values, VALUES_MASK } from "./labels.ts";

/** The OpenTelemetry SDK's own instruments and exporter. */
export function sdk(sets: number): Contender {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer();
  const meter = new MeterProvider({ readers: [exporter] }).getMeter("bench");
  const operations = meter.createCounter("bench_operations_total", { description: "Operations." });
  const duration = meter.createHistogram("bench_duration_seconds", {
    ...{ description: "Time.", unit: "s", advice: { explicitBucketBoundaries: BUCKETS } },
  });
  const requests = meter.createCounter("http_requests_total", { description: "Requests." });
  const requestDuration = meter.createHistogram("http_request_duration_seconds", {
    ...{ description: "Time.", unit: "s", advice: { explicitBucketBoundaries: BUCKETS } },
  });
  const all = labelSets(sets);
  const recorded = values();
  return {
    count(rounds) {
      for (let round = 0; round < rounds; round++) for (const labels of all) operations.add(1, { ...labels });
    },
    record(rounds) {
      let at = 0;
      for (let round = 0; round < rounds; round++) {
        for (const labels of all) duration.record(recorded[at++ & VALUES_MASK] ?? 0, { ...labels });
      }
    },
    answered({ method, endpoint, status, seconds }) {
      requests.add(1, { method, endpoint, status: String(status) });
      requestDuration.record(seconds, { method, endpoint });
    },
    page: async () => serializer.serialize((await exporter.collect()).resourceMetrics),
  };
}
