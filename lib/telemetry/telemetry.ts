import type { IMetricReader } from "@opentelemetry/sdk-metrics";
import type { Registry } from "$lib/metrics.ts";
import type { Resource } from "$lib/resource.ts";
import { createOtlpSender, type OtlpParts } from "$lib/telemetry/otlp.ts";
import { ExportOutcomes, telemetryMetrics } from "$lib/telemetry/outcomes.ts";
import type { MetricsPlan } from "$lib/telemetry/plan.ts";
import { PushReader, startPush } from "$lib/telemetry/push.ts";

/** Milliseconds that all signals together have to be sent once more when the program stops. */
export const STOP_MS = 3_000;

/** Telemetry that is ready to be sent, and loaded only where it is on. */
export interface Telemetry {
  /** Readers for the registry to be made with. */
  readonly readers: readonly IMetricReader[];
  /** Begins to send; the registry is that of the readers. */
  start(registry: Registry): RunningTelemetry;
}

/** Telemetry that is sent. */
export interface RunningTelemetry {
  /** Sends what is left, in {@linkcode STOP_MS} at most. */
  stop(): Promise<void>;
}

/** What telemetry is made of. */
export interface TelemetryParts extends OtlpParts {
  /** What all of it is about, as it is known now. */
  readonly resource: () => Resource;
}

/** Makes ready what the plan has on. */
export function openTelemetry(metrics: MetricsPlan, parts: TelemetryParts): Telemetry {
  const reader = new PushReader(metrics.temporality);
  return {
    readers: [reader],
    start(registry) {
      const sender = createOtlpSender(metrics.target, parts);
      const outcomes = new ExportOutcomes("metrics", { ...parts, metrics: telemetryMetrics(registry, ["metrics"]) });
      const push = startPush(metrics, { ...parts, own: registry.producer, others: reader, sender, outcomes });
      return {
        async stop() {
          sender.hurry(STOP_MS);
          await push.stop();
          sender.close();
        },
      };
    },
  };
}
