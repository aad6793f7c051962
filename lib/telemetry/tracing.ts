import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span as SdkSpan,
  type SpanContext,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { emptyResource, resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Clock } from "$lib/clock.ts";
import { isFailure } from "$lib/error.ts";
import { hrTime } from "$lib/hr_time.ts";
import { OWN_SCOPE } from "$lib/metrics/meter.ts";
import type { Resource } from "$lib/resource.ts";
import type { BatchQueue } from "$lib/telemetry/batch_queue.ts";
import { exportQueue, type ExportQueueParts } from "$lib/telemetry/export_queue.ts";
import type { LeftOut } from "$lib/telemetry/outcomes.ts";
import { WallTime } from "$lib/telemetry/wall_time.ts";
import { createSampler, type SamplerParts } from "$lib/telemetry/sampler.ts";
import type { EntryOptions, Span, SpanDescription, SpanOptions, SpanOutcome, Tracing } from "$lib/tracing.ts";
import { VERSION } from "$lib/program/version.ts";

/** What tracing is made of. */
export interface TracingParts extends SamplerParts, Omit<ExportQueueParts, "outside"> {
  /** What spans are about, as it is known when they are sent. */
  readonly resource: () => Resource;
}

/** Tracing that is on. */
export interface RunningTracing extends Tracing {
  /** Sends all spans that have ended. */
  flush(): Promise<void>;
}

/** The longest value of an attribute: a statement's text, mostly. */
const VALUE_MAX_CHARACTERS = 4_096;

/** Tracing by OpenTelemetry's SDK, which is asked for sampled work only, and never through the API's globals. */
export function createTracing(parts: TracingParts): RunningTracing {
  const active = new AsyncLocalStorage<Span | undefined>();
  const { clock } = parts;
  const wall = new WallTime(clock);
  const queue = queueOf(parts, (work) => active.run(undefined, work));
  const tracer = new TracerProvider({
    resource: emptyResource(),
    sampler: new AlwaysOnSampler(), // whoever begins a span has decided
    spanLimits: { attributeValueLengthLimit: VALUE_MAX_CHARACTERS },
    spanProcessors: [{
      onStart: () => {},
      onEnd: (span) => queue.add(span),
      forceFlush: () => queue.flush(),
      shutdown: () => queue.flush(),
    }],
  }).getTracer(OWN_SCOPE, VERSION);
  return {
    isOn: true,
    samples: createSampler(parts),
    begin: (name, options = {}) => beginEntry(name, options, { tracer, clock, wall }),
    current() {
      const span = active.getStore();
      return span?.hasEnded === false ? span : undefined;
    },
    within: (span, work) => active.run(span, work),
    flush: () => queue.flush(),
  };
}

function queueOf(parts: TracingParts, outside: (work: () => void) => void): BatchQueue<ReadableSpan> {
  const { resource } = parts;
  function encode(spans: readonly ReadableSpan[]): Uint8Array {
    const about = { value: resourceFromAttributes(resource()) };
    const whole = spans.map((span): ReadableSpan => Object.create(span, { resource: about }));
    return ProtobufTraceSerializer.serializeRequest(whole) ?? new Uint8Array();
  }
  return exportQueue({ ...parts, outside }, { encode, noun: "spans", leftOut });
}

function leftOut(body: Uint8Array): LeftOut {
  const { rejectedSpans: count = 0, errorMessage: message = "" } =
    ProtobufTraceSerializer.deserializeResponse(body).partialSuccess ?? {};
  return { count, message };
}

/** What makes spans. */
interface SpanSource {
  readonly tracer: Tracer;
  readonly clock: Clock;
}

function beginEntry(
  name: string,
  { parent, elapsedMs = 0, ...options }: EntryOptions,
  { wall, ...source }: SpanSource & { readonly wall: WallTime },
): TracedSpan {
  const offsetMs = wall.offsetMs();
  const startMs = options.startMs ?? offsetMs + source.clock.monotonic() - elapsedMs;
  return TracedSpan.begin(name, { ...options, startMs }, { ...source, parent, offsetMs });
}

/** Where a span is begun. */
interface Origin extends SpanSource {
  readonly parent?: SpanContext | undefined;
  /**
   * What is added to the clock's monotonic time for milliseconds since the Unix epoch, throughout what one entry
   * begins.
   */
  readonly offsetMs: number;
}

/** A span of the SDK, with the times of our clock. */
class TracedSpan implements Span {
  readonly #span: SdkSpan;
  readonly #origin: Origin;

  static begin(name: string, { kind, attributes, links = [], startMs }: SpanOptions, origin: Origin): TracedSpan {
    const { tracer, clock, parent, offsetMs } = origin;
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const span = tracer.startSpan(name, {
      ...{ kind, attributes, links: links.map((context) => ({ context })) },
      startTime: hrTime(startMs ?? offsetMs + clock.monotonic()),
    }, context);
    return new TracedSpan(span, origin);
  }

  constructor(span: SdkSpan, origin: Origin) {
    this.#span = span;
    this.#origin = origin;
  }

  get context(): SpanContext {
    return this.#span.spanContext();
  }

  get hasEnded(): boolean {
    return !this.#span.isRecording();
  }

  begin(name: string, options: SpanOptions = {}): TracedSpan {
    return TracedSpan.begin(name, options, { ...this.#origin, parent: this.context });
  }

  beginBy(describe: SpanDescription): TracedSpan {
    return this.begin(...describe());
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  end({ error, errorType = typeOf(error), endMs }: SpanOutcome = {}): void {
    const { clock, offsetMs } = this.#origin;
    if (errorType !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
      this.#span.setAttribute("error.type", errorType);
    }
    this.#span.end(hrTime(endMs ?? offsetMs + clock.monotonic()));
  }
}

/** What went wrong, of a small set: a failure's code, else the kind of error. */
function typeOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (isFailure(error)) return error.code;
  return error instanceof Error ? error.name : "_OTHER";
}
