import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  InstrumentType,
  type MetricData,
  type MetricProducer,
  MetricReader,
  type ScopeMetrics,
} from "@opentelemetry/sdk-metrics";
import { aborted, type Clock } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { OWN_SCOPE } from "$lib/metrics/meter.ts";
import type { Resource } from "$lib/resource.ts";
import { runLoop } from "$lib/retry.ts";
import type { Temporality } from "$lib/settings.ts";
import { type Batch, batchesOf } from "$lib/telemetry/batches.ts";
import type { OtlpSender } from "$lib/telemetry/otlp.ts";
import { type ExportOutcomes, type LeftOut, type Outcome, outcomeOf } from "$lib/telemetry/outcomes.ts";
import { PartSender } from "$lib/telemetry/parts.ts";
import { type Additive, DeltaBaselines, isAdditive } from "$lib/telemetry/temporality.ts";

/** Reads the metrics of other scopes for a push, as the SDK has it. */
export class PushReader extends MetricReader {
  /**
   * With `delta` the SDK is asked for cumulative values too, and what came since is reckoned here: the SDK forgets an
   * interval once it was read, whether or not it was ever sent. `lowmemory` is the SDK's own, which is what it is for.
   */
  constructor(temporality: Temporality) {
    super({ aggregationTemporalitySelector: temporality === "lowmemory" ? lowMemory : () => CUMULATIVE });
  }

  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const { CUMULATIVE, DELTA } = AggregationTemporality;

function lowMemory(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.COUNTER || type === InstrumentType.HISTOGRAM ? DELTA : CUMULATIVE;
}

/** What is pushed, how and how often. */
export interface PushOptions {
  readonly temporality: Temporality;
  readonly maxPoints: number;
  /** Bytes of one request before it is compressed. */
  readonly maxBytes: number;
  readonly intervalMs: number;
}

/** What a push is made of. */
export interface PushParts {
  /** The declared metrics. */
  readonly own: MetricProducer;
  /** Those of every other scope. */
  readonly others: Pick<MetricReader, "collect">;
  /** What all of it is about, as it is known now. */
  readonly resource: () => Resource;
  readonly sender: Pick<OtlpSender, "send">;
  /** Resolves when there is somewhere to send; nothing is sent before. Left out: at once. */
  readonly ready?: Promise<void> | undefined;
  readonly outcomes: ExportOutcomes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** A push of metrics at work. */
export interface MetricsPush {
  /** Sends once more what there is, within the time that the sender has left. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Sends the metrics at once, so that counters are known before they move, and then again and again, one export at a
 * time.
 */
export function startPush(options: PushOptions, parts: PushParts): MetricsPush {
  const { clock, random, log, ready } = parts;
  const push = new Push(options, parts);
  const ending = new AbortController();
  let isReady = ready === undefined;
  void ready?.then(() => isReady = true);
  const wake = (signal: AbortSignal) => Promise.race([...(isReady ? [] : [ready]), aborted(signal)]);
  const send = () => isReady ? push.export() : Promise.resolve();
  const failed = (error: unknown) => log.error("the metrics can't be collected to be sent", { error });
  const loop = runLoop(
    { turn: send, intervalMs: options.intervalMs, failed },
    { clock, random, ...(ready && { wake }) },
    ending.signal,
  );
  return {
    async stop() {
      ending.abort();
      await loop;
      await send().catch(failed);
    },
  };
}

class Push {
  readonly #options: PushOptions;
  readonly #parts: PushParts;
  readonly #sender: PartSender<Batch>;
  readonly #baselines = new DeltaBaselines();

  constructor(options: PushOptions, parts: PushParts) {
    this.#options = options;
    this.#parts = parts;
    const encode = (batch: Batch) => this.#encode(batch);
    this.#sender = new PartSender({ ...options, ...parts, encode, halves });
  }

  /** Sends everything once; what no receiver could be reached for is left to the next time. */
  async export(): Promise<void> {
    this.#parts.outcomes.ended(await this.#sendAll(await this.#collect()));
  }

  async #collect(): Promise<readonly ScopeMetrics[]> {
    const { own, others, log } = this.#parts;
    const [first, second] = await Promise.all([own.collect(), others.collect()]);
    for (const error of second.errors) log.warn("an instrument's callback failed", { error: messageOf(error) });
    return [...first.resourceMetrics.scopeMetrics, ...second.resourceMetrics.scopeMetrics];
  }

  async #sendAll(scopeMetrics: readonly ScopeMetrics[]): Promise<readonly Outcome[]> {
    const ended: Outcome[] = [];
    for (const batch of batchesOf(scopeMetrics, this.#options.maxPoints)) {
      for await (const [part, answer] of this.#sender.send(batch)) {
        if (answer.kind !== "failed") this.#acknowledge(part);
        ended.push(outcomeOf(answer, { count: part.pointCount, noun: "data points", isKept: true, leftOut }));
        if (answer.kind === "failed") return ended;
      }
    }
    return ended;
  }

  /** The request of a batch, by the temporality that is wanted. */
  #encode(batch: Batch): Uint8Array {
    const scopeMetrics = batch.scopeMetrics.map(({ scope, metrics }): ScopeMetrics => ({
      scope,
      metrics: metrics.map((metric) =>
        this.#isTurned(scope, metric) ? this.#baselines.since(keyOf(scope), metric) : metric
      ),
    }));
    const request = { resource: resourceFromAttributes(this.#parts.resource()), scopeMetrics };
    return ProtobufMetricsSerializer.serializeRequest(request) ?? new Uint8Array();
  }

  #acknowledge({ scopeMetrics }: Batch): void {
    for (const { scope, metrics } of scopeMetrics) {
      for (const metric of metrics) {
        if (this.#isTurned(scope, metric)) this.#baselines.acknowledge(keyOf(scope), metric);
      }
    }
  }

  #isTurned({ name }: ScopeMetrics["scope"], metric: MetricData): metric is Additive {
    const { temporality } = this.#options;
    return (temporality === "delta" || (temporality === "lowmemory" && name === OWN_SCOPE)) && isAdditive(metric);
  }
}

function halves({ scopeMetrics, pointCount }: Batch): readonly Batch[] {
  return pointCount < 2 ? [] : [...batchesOf(scopeMetrics, Math.ceil(pointCount / 2))];
}

function keyOf({ name, version }: ScopeMetrics["scope"]): string {
  return `${name} ${version}`;
}

function leftOut(body: Uint8Array): LeftOut {
  const { rejectedDataPoints: count = 0, errorMessage: message = "" } =
    ProtobufMetricsSerializer.deserializeResponse(body).partialSuccess ?? {};
  return { count, message };
}
