import type { IMetricReader } from "@opentelemetry/sdk-metrics";
import type { Registry } from "$lib/metrics.ts";
import type { Resource } from "$lib/resource.ts";
import { type Signal, SIGNALS } from "$lib/settings.ts";
import { createOtlpSender, type OtlpParts, type OtlpSender, type OtlpTarget } from "$lib/telemetry/otlp.ts";
import { ExportOutcomes, telemetryMetrics } from "$lib/telemetry/outcomes.ts";
import type { RunningLogs } from "$lib/telemetry/logs.ts";
import type { TelemetryPlan } from "$lib/telemetry/plan.ts";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";

/** Milliseconds that all signals together have to be sent once more when the program stops. */
export const STOP_MS = 3_000;

/**
 * Of each signal a broker passes one request in so many milliseconds on for an agent, and some more once in a while.
 */
const RELAY_INTERVAL_MS = 5_000;

/** Telemetry that is ready to be sent, and loaded only where it is on. */
export interface Telemetry {
  /** Readers for the registry to be made with. */
  readonly readers: readonly IMetricReader[];
  /** Begins to send; the registry is that of the readers. */
  start(registry: Registry): RunningTelemetry;
}

/** What sends telemetry, by signal; nothing where a signal is not sent. */
export type OtlpSenders = Readonly<Partial<Record<Signal, OtlpSender>>>;

/** Telemetry that is sent. */
export interface RunningTelemetry {
  /** A disabled one where traces are not sent. */
  readonly tracing: Tracing;
  /** By which more than the program's own may be sent. */
  readonly senders: OtlpSenders;
  /** Takes the lines of the log, where they are sent. */
  readonly logs: Pick<RunningLogs, "add"> | undefined;
  /** Sends what is left, in {@linkcode STOP_MS} at most. */
  stop(): Promise<void>;
}

/** What telemetry is made of. */
export interface TelemetryParts extends OtlpParts {
  /** What all of it is about: the same from the start to the end, or a receiver would have two of this program. */
  readonly resource: () => Resource;
  /** What is different where it is sent through a broker; left out where nothing is. */
  readonly relayed?: RelayedTelemetry;
}

/** Telemetry that goes through a broker, which takes it only from whom it knows. */
export interface RelayedTelemetry {
  /** Resolves when the broker has said who the program is: nothing is sent before. */
  readonly identified: Promise<void>;
  /** What it is about, with who the program is. */
  readonly resource: () => Resource;
}

/** Loads and makes ready what the plan has on, and nothing else. */
export async function openTelemetry(
  { metrics, traces, logs }: TelemetryPlan,
  parts: TelemetryParts,
): Promise<Telemetry> {
  const push = metrics && { plan: metrics, ...await import("$lib/telemetry/push.ts") };
  const spans = traces && { plan: traces, ...await import("$lib/telemetry/tracing.ts") };
  const lines = logs && { plan: logs, ...await import("$lib/telemetry/logs.ts") };
  const reader = push && new push.PushReader(push.plan.temporality);
  const plans = { metrics, traces, logs };
  return {
    readers: reader === undefined ? [] : [reader],
    start(registry) {
      const own = telemetryMetrics(registry, SIGNALS.filter((signal) => plans[signal] !== undefined));
      const senders: Partial<Record<Signal, OtlpSender>> = {};
      const wayOut = (signal: Signal, target: OtlpTarget) => {
        const sender = createOtlpSender(target, parts);
        senders[signal] = sender;
        const outcomes = new ExportOutcomes(signal, { ...parts, metrics: own });
        const { resource, identified: ready, intervalMs } = target.url instanceof URL || parts.relayed === undefined
          ? { ...parts, identified: undefined, intervalMs: undefined }
          : { ...parts.relayed, intervalMs: RELAY_INTERVAL_MS };
        return { ...parts, resource, sender, ready, intervalMs, outcomes, maxBytes: target.maxBytes };
      };
      const pushing = push && reader &&
        push.startPush({ ...push.plan, maxBytes: push.plan.target.maxBytes }, {
          ...wayOut("metrics", push.plan.target),
          own: registry.producer,
          others: reader,
        });
      const tracing = spans?.createTracing({ ...wayOut("traces", spans.plan.target), ...spans.plan });
      const outside = (work: () => void) => tracing === undefined ? work() : tracing.within(undefined, work);
      const sentLines = lines?.startLogs({ ...wayOut("logs", lines.plan.target), outside });
      return {
        tracing: tracing ?? disabledTracing(),
        senders,
        logs: sentLines,
        async stop() {
          for (const sender of Object.values(senders)) sender.hurry(STOP_MS);
          await Promise.all([pushing?.stop(), tracing?.flush(), sentLines?.flush()]);
          for (const sender of Object.values(senders)) sender.close();
        },
      };
    },
  };
}
