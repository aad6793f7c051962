import { type Attributes, INVALID_SPAN_CONTEXT, type SpanContext, SpanKind } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import type { Span, SpanDescription, SpanOptions, SpanOutcome } from "$lib/tracing.ts";

/** How many spans a turn has at most, its own and the one of further writes among them. */
export const SPANS_MAX = 256;
const ONE_BY_ONE_MAX = SPANS_MAX - 2;

/** What a span is begun by: time that goes on whatever the clock does. */
export interface SpanClock {
  now(): number;
}

/** Wall time by one reading of the clock. */
export function spanClock(clock: Clock): SpanClock {
  const offsetMs = clock.now() - clock.monotonic();
  return { now: () => offsetMs + clock.monotonic() };
}

/** The span of a turn, whose writes add up in one more span once they are many. */
export class TurnSpan implements Span {
  readonly #span: Span;
  readonly #clock: SpanClock;
  #begun = 0;
  #further: FurtherWrites | undefined;

  constructor(span: Span, clock: SpanClock) {
    this.#span = span;
    this.#clock = clock;
  }

  get context(): SpanContext {
    return this.#span.context;
  }

  get hasEnded(): boolean {
    return this.#span.hasEnded;
  }

  /** What is no write is left out of a turn that has all spans it may have. */
  begin(name: string, options?: SpanOptions): Span {
    const describe = () => [name, options] as const;
    return this.#beginOne(describe) ?? new RecordedSpan(describe, this.#clock);
  }

  /** Begins the span of a write. */
  beginBy(describe: SpanDescription): Span {
    const span = this.#beginOne(describe);
    if (span !== undefined) return span;
    this.#further ??= new FurtherWrites(this.context, this.#clock);
    return this.#further.begin();
  }

  #beginOne(describe: SpanDescription): Span | undefined {
    if (this.#begun >= ONE_BY_ONE_MAX) return undefined;
    this.#begun += 1;
    return this.#span.beginBy(describe);
  }

  set(attributes: Attributes): void {
    this.#span.set(attributes);
  }

  end(outcome?: SpanOutcome): void {
    if (this.hasEnded) return;
    this.#further?.addTo(this.#span);
    this.#span.end(outcome);
  }
}

/** Writes that are no spans of their own any more: how many they are, and from when to when. */
class FurtherWrites {
  readonly #context: SpanContext;
  readonly #clock: SpanClock;
  readonly #startMs: number;
  #endMs: number;
  #count = 0;
  #failed = 0;

  constructor(context: SpanContext, clock: SpanClock) {
    this.#context = context;
    this.#clock = clock;
    this.#startMs = this.#endMs = clock.now();
  }

  begin(): Span {
    this.#count += 1;
    let hasEnded = false;
    const one: Span = {
      context: this.#context,
      get hasEnded() {
        return hasEnded;
      },
      begin: () => one,
      beginBy: () => one,
      set: () => {},
      end: ({ error, errorType }: SpanOutcome = {}) => {
        if (hasEnded) return;
        hasEnded = true;
        this.#endMs = this.#clock.now();
        if (error !== undefined || errorType !== undefined) this.#failed += 1;
      },
    };
    return one;
  }

  addTo(span: Span): void {
    const attributes = { "brokkr.writes.count": this.#count, "brokkr.writes.failed": this.#failed };
    span.begin(`writes (${this.#count} more)`, { kind: SpanKind.CLIENT, startMs: this.#startMs, attributes })
      .end({ endMs: this.#endMs });
  }
}

/** A span of what is not sampled: plain facts, which are exported once it is known that they are worth it. */
export class RecordedSpan implements Span {
  readonly context: SpanContext = INVALID_SPAN_CONTEXT;
  readonly #describe: SpanDescription;
  readonly #clock: SpanClock;
  readonly #startMs: number;
  readonly #within: RecordedSpan[] = [];
  #attributes: Attributes | undefined;
  #outcome: SpanOutcome | undefined;

  constructor(describe: SpanDescription, clock: SpanClock) {
    this.#describe = describe;
    this.#clock = clock;
    this.#startMs = clock.now();
  }

  get hasEnded(): boolean {
    return this.#outcome !== undefined;
  }

  begin(name: string, options?: SpanOptions): Span {
    return this.beginBy(() => [name, options]);
  }

  beginBy(describe: SpanDescription): Span {
    const span = new RecordedSpan(describe, this.#clock);
    this.#within.push(span);
    return span;
  }

  set(attributes: Attributes): void {
    this.#attributes = this.#attributes === undefined ? attributes : { ...this.#attributes, ...attributes };
  }

  end(outcome: SpanOutcome = {}): void {
    this.#outcome ??= { ...outcome, endMs: outcome.endMs ?? this.#clock.now() };
  }

  /** Exports it with what it has within by `begin`; returns the span that it became, if any. */
  exportBy(begin: (name: string, options: SpanOptions) => Span | undefined): Span | undefined {
    const [name, options = {}] = this.#describe();
    const attributes = { ...options.attributes, ...this.#attributes };
    const span = begin(name, { startMs: this.#startMs, ...options, attributes });
    if (span === undefined) return undefined;
    for (const one of this.#within) one.exportBy((name, options) => span.begin(name, options));
    span.end(this.#outcome);
    return span;
  }
}
