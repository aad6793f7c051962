import type { Attributes, SpanContext, SpanKind } from "@opentelemetry/api";

/** What a span may be begun with. */
export interface SpanOptions {
  /** OpenTelemetry's; internal when left out. */
  readonly kind?: SpanKind;
  /**
   * By OpenTelemetry's conventions, or `brokkr.*`; never a key, a header, a query string, a manifest or a value of SQL.
   */
  readonly attributes?: Attributes;
  /** Spans that have to do with it, and are not its parent. */
  readonly links?: readonly SpanContext[];
  /** When it began, in milliseconds since the Unix epoch, with fractions; now when left out. */
  readonly startMs?: number;
}

/** Makes a span's name and options. */
export type SpanDescription = () => readonly [name: string, options?: SpanOptions];

/** How a span's work came out. */
export interface SpanOutcome {
  /** What it failed with: its code, or the kind of error, becomes `error.type`; its message goes nowhere. */
  readonly error?: unknown;
  /** What kind of error it failed with, where nothing was thrown. */
  readonly errorType?: string;
  /** When it ended, in milliseconds since the Unix epoch, with fractions; now when left out. */
  readonly endMs?: number;
}

/** A sampled piece of work: it is exported when it ends. */
export interface Span {
  readonly context: SpanContext;
  /** Once it has, it is nobody's current span any more. */
  readonly hasEnded: boolean;
  /**
   * Begins a span inside this one, by the same reading of the clock, so that it lies inside whatever the clock does.
   */
  begin(name: string, options?: SpanOptions): Span;
  /** The same of a span that is described only once it is known that it is exported. */
  beginBy(describe: SpanDescription): Span;
  set(attributes: Attributes): void;
  /** Ends it, once. */
  end(outcome?: SpanOutcome): void;
}

/** What a new trace, or another program's, is gone on with. */
export interface EntryOptions extends SpanOptions {
  /** Another program's span, which it is a child of; without it there is a new trace, with a random id. */
  readonly parent?: SpanContext | undefined;
  /** Milliseconds for which it has gone on already, where `startMs` is left out. */
  readonly elapsedMs?: number;
}

/** Traces, as a part that is handed in: what is not sampled costs a look at a variable. */
export interface Tracing {
  /** Whether anything is ever sampled. */
  readonly isOn: boolean;
  /**
   * Decides whether a piece of work that begins here is sampled: as a caller's sampled span has it, so many of each
   * caller's in a second, as a caller's span has it that is not sampled, and else by the ratio.
   *
   * @param caller Whose work it is, once that is certain: a stranger's `parent` decides nothing.
   */
  samples(caller: string, parent?: SpanContext): boolean;
  /** Begins a span of sampled work that no span here is the parent of; nothing where tracing is off. */
  begin(name: string, options?: EntryOptions): Span | undefined;
  /** The span whose work this is; undefined outside of every one. */
  current(): Span | undefined;
  /**
   * Does the work inside the span, or with undefined outside of every one: for what outlives the request that it began
   * with, or is shared by several.
   */
  within<T>(span: Span | undefined, work: () => T): T;
}

/** Tracing that is off: it begins nothing. */
export function disabledTracing(): Tracing {
  return {
    isOn: false,
    samples: () => false,
    begin: () => undefined,
    current: () => undefined,
    within: (_, work) => work(),
  };
}

/**
 * Does a span's work, and ends the span with it.
 *
 * @param outcomeOf How work came out that failed, where that says more than the error, or less.
 */
export async function endAfter<T>(
  span: Span,
  work: () => Promise<T>,
  outcomeOf: (error: unknown) => SpanOutcome = (error) => ({ error }),
): Promise<T> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(outcomeOf(error));
    throw error;
  }
}
