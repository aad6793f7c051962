import type { Clock } from "$lib/clock.ts";
import { quoted } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { bound, type BoundCounter, counter, gauge, type InstrumentsOf, type Registry } from "$lib/metrics.ts";
import { type Signal, SIGNALS } from "$lib/settings.ts";
import type { OtlpAnswer } from "$lib/telemetry/otlp.ts";

/** How a request that carries telemetry can end; `partial` is one of which the receiver left something out. */
const RESULTS = ["success", "partial", "rejected", "failed"] as const;
/** One of {@linkcode RESULTS}. */
type ExportResult = (typeof RESULTS)[number];

/** What the programs say of their own exports; on the page for signals that are on, and not at all where none is. */
export const TELEMETRY_METRICS = {
  exports: counter({
    name: "brokkr_telemetry_exports_total",
    help: "Requests that sent telemetry by OTLP, by how they ended; what was tried again within one counts once.",
    labels: { signal: SIGNALS, result: RESULTS },
    example: 'sum by (signal) (rate(brokkr_telemetry_exports_total{result=~"failed|rejected"}[15m]))',
  }),
  dropped: counter({
    name: "brokkr_telemetry_dropped_total",
    help:
      "Data points, spans and lines of the log that no receiver took and that are not sent again: more of them than could wait (queue_full), or a request that failed.",
    labels: { signal: SIGNALS, reason: ["queue_full", "failed"] },
    example: "sum by (signal, reason) (increase(brokkr_telemetry_dropped_total[1h]))",
  }),
  lastSuccess: gauge({
    name: "brokkr_telemetry_last_success_timestamp_seconds",
    help:
      "When telemetry was last taken by its receiver, in seconds since the Unix epoch; absent before the first time.",
    labels: { signal: SIGNALS },
    example: "time() - brokkr_telemetry_last_success_timestamp_seconds",
  }),
};

/** Makes {@linkcode TELEMETRY_METRICS} for the signals that are on. */
export function telemetryMetrics(registry: Registry, signals: readonly Signal[]): TelemetryMetrics {
  const { exports, dropped, lastSuccess } = TELEMETRY_METRICS;
  return registry.register({
    exports: { ...exports, labels: { ...exports.labels, signal: signals } },
    dropped: { ...dropped, labels: { ...dropped.labels, signal: signals } },
    lastSuccess: { ...lastSuccess, labels: { signal: signals } },
  }) as TelemetryMetrics;
}

/** The instruments of {@linkcode TELEMETRY_METRICS}. */
export type TelemetryMetrics = InstrumentsOf<typeof TELEMETRY_METRICS>;

/** How one request ended. */
export interface Outcome {
  readonly result: ExportResult;
  /** Why it was no success. */
  readonly reason?: string;
  /** Items that are lost for good. */
  readonly dropped?: number;
}

/** What a receiver says that it left out of a request. */
export interface LeftOut {
  readonly count: number;
  readonly message: string;
}

/** What is sent in one request. */
export interface Sent {
  /** How many items: data points, spans or lines. */
  readonly count: number;
  /** What the items are called. */
  readonly noun: string;
  /** Whether what could not be sent is sent with the next request. */
  readonly isKept: boolean;
  /** Reads the answer of the signal; may throw. */
  readonly leftOut: (body: Uint8Array) => LeftOut;
}

/** How a request ended, from what its sender says. */
export function outcomeOf(answer: OtlpAnswer, { count, noun, isKept, leftOut }: Sent): Outcome {
  if (answer.kind !== "accepted") {
    const { kind: result, reason } = answer;
    return result === "failed" && isKept ? { result, reason } : { result, reason, dropped: count };
  }
  const { count: dropped, message } = readable(leftOut, answer.body);
  if (dropped === 0 && message === "") return { result: "success" };
  return { result: "partial", reason: `${dropped} ${noun} were left out: ${quoted(message)}`, dropped };
}

/** An answer that can't be read says nothing: its status was success. */
function readable(leftOut: Sent["leftOut"], body: Uint8Array): LeftOut {
  try {
    return leftOut(body);
  } catch {
    return { count: 0, message: "" };
  }
}

/** What hearing of outcomes takes. */
export interface OutcomeParts {
  readonly metrics: TelemetryMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Counts how the exports of one signal end, and says so when they begin to fail and when they work again. */
export class ExportOutcomes {
  readonly #signal: Signal;
  readonly #parts: OutcomeParts;
  readonly #exports: Readonly<Record<ExportResult, BoundCounter>>;
  #worst: ExportResult = "success";

  constructor(signal: Signal, parts: OutcomeParts) {
    this.#signal = signal;
    this.#parts = parts;
    const of = (result: ExportResult) => bound(parts.metrics.exports, { signal, result });
    this.#exports = {
      success: of("success"),
      partial: of("partial"),
      rejected: of("rejected"),
      failed: of("failed"),
    };
  }

  /** Hears of an item that could not wait to be sent. */
  queueFull(): void {
    this.#parts.metrics.dropped.add(1, { signal: this.#signal, reason: "queue_full" });
  }

  /** Hears how all requests of one export ended. */
  ended(outcomes: readonly Outcome[]): void {
    const { metrics, clock, log } = this.#parts;
    const signal = this.#signal;
    let worst: Outcome = { result: "success" };
    for (const outcome of outcomes) {
      this.#exports[outcome.result].add();
      metrics.dropped.add(outcome.dropped ?? 0, { signal, reason: "failed" });
      if (RESULTS.indexOf(outcome.result) > RESULTS.indexOf(worst.result)) worst = outcome;
    }
    if (isTaken(worst.result)) metrics.lastSuccess.record(clock.now() / 1_000, { signal });
    const former = this.#worst;
    this.#worst = worst.result;
    const { result, reason } = worst;
    if (result === "success" && former !== "success") log.info("telemetry is sent again", { signal });
    else if (!isTaken(result) && isTaken(former)) log.warn("telemetry can't be sent", { signal, reason });
    else if (result === "partial" && former !== "partial") {
      log.warn("telemetry is sent, but its receiver leaves some of it out", { signal, reason });
    }
  }
}

function isTaken(result: ExportResult): boolean {
  return result === "success" || result === "partial";
}
