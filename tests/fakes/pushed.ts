import { createRegistry, type Registry } from "$lib/metrics.ts";
import type { LogFields } from "$lib/log.ts";
import type { MetricsPlan } from "$lib/telemetry/plan.ts";
import { openTelemetry, type RunningTelemetry } from "$lib/telemetry/telemetry.ts";
import { ManualClock } from "./manual_clock.ts";
import { type ReceivedMetric, receivedMetrics, type ReceivedPoint } from "./otlp_metrics.ts";
import { noClient, OtlpReceiver } from "./otlp_receiver.ts";

/** A registry whose metrics are pushed, to a receiver in the same process, under a clock that stands still. */
export interface Pushed {
  readonly clock: ManualClock;
  readonly registry: Registry;
  readonly receiver: OtlpReceiver;
  /** Warnings and recoveries, as they were logged. */
  readonly lines: readonly (readonly [message: string, fields: LogFields])[];
  readonly running: RunningTelemetry;
  /** Lets the next export come. */
  next(): Promise<void>;
}

/** Milliseconds between two exports here. */
export const INTERVAL_MS = 60_000;
const NO_JITTER = 0.5;

/** Starts a push, whose first export goes to a receiver that answers `answer`. */
export async function startPushed(
  plan: Partial<MetricsPlan> = {},
  { answer, prepare }: { answer?: OtlpReceiver["answer"]; prepare?: (registry: Registry) => void } = {},
): Promise<Pushed> {
  const clock = new ManualClock();
  const receiver = new OtlpReceiver();
  if (answer !== undefined) receiver.answer = answer;
  const lines: (readonly [string, LogFields])[] = [];
  const note = (message: string, fields: LogFields = {}) => lines.push([message, fields]);
  const log = { debug: () => {}, info: note, warn: note, error: note };
  const metrics: MetricsPlan = {
    target: {
      ...{ url: new URL("http://collector/v1/metrics"), headers: [], signalHeaders: [], headersFile: undefined },
      ...{ caFile: undefined, clientCertFile: undefined, clientKeyFile: undefined },
      ...{ compression: "gzip", maxBytes: 500_000, timeoutMs: 10_000 },
    },
    ...{ temporality: "cumulative", maxPoints: 1_000, intervalMs: INTERVAL_MS },
    ...plan,
  };
  const telemetry = await openTelemetry({ metrics, warnings: [] }, {
    ...{ fetch: receiver.fetch, clock, random: () => NO_JITTER, log, env: {}, userAgent: "test" },
    onSecret: () => {},
    makeClient: noClient,
    resource: () => ({ "service.name": "brokkr-test" }),
  });
  const registry = createRegistry({ clock, log, readers: telemetry.readers });
  prepare?.(registry);
  const running = telemetry.start(registry);
  await clock.settle();
  return { clock, registry, receiver, lines, running, next: () => clock.advance(INTERVAL_MS) };
}

/** Every metric of the requests from the `from`-th on. */
export function metricsIn({ requests }: OtlpReceiver, from = 0): ReceivedMetric[] {
  return requests.slice(from).flatMap(({ body }) => receivedMetrics(body).flatMap(({ metrics }) => metrics));
}

/** Every point of a metric, in the order in which they came. */
export function pointsOf(receiver: OtlpReceiver, name: string, from = 0): ReceivedPoint[] {
  return metricsIn(receiver, from).filter((metric) => metric.name === name).flatMap(({ points }) => points);
}
