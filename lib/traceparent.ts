import { createTraceState, type SpanContext, TraceFlags } from "@opentelemetry/api";

/** Version, trace id, parent id, flags: what every version begins with. Each repetition is of a fixed length. */
const HEADER = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;
/** How long the header of version 00 is; later versions may say more behind another dash. */
const LENGTH = 55;
const NOTHING = /^0+$/;
/** The flags that W3C Trace Context gives a meaning: `sampled`, and `random-trace-id` of its level 2. */
const KNOWN_FLAGS = 0b11;

/**
 * Reads a `traceparent` header as W3C Trace Context says; of several headers in one, nothing.
 *
 * @param tracestate The header beside it, in which each vendor has a word of its own; it is passed on as it is.
 * @returns The span it names, as a remote one; undefined where a new trace is to be begun.
 */
export function parseTraceparent(
  header: string | null | undefined,
  tracestate?: string | null,
): SpanContext | undefined {
  const [, version, traceId = "", spanId = "", flags = ""] = HEADER.exec(header ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && header?.length !== LENGTH)) return undefined;
  if (NOTHING.test(traceId) || NOTHING.test(spanId)) return undefined;
  const state = tracestate ? createTraceState(tracestate) : undefined;
  const traceFlags = Number.parseInt(flags, 16) & KNOWN_FLAGS;
  return { traceId, spanId, traceFlags, isRemote: true, ...(state?.serialize() && { traceState: state }) };
}

/** The header that names a span, in version 00. */
function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${flagsText(traceFlags)}`;
}

/** What another program goes on with a trace by. */
export interface TraceHeaders {
  readonly traceparent: string;
  /** What vendors have to say of it; left out where none has. */
  readonly tracestate?: string;
}

/** The headers by which another program goes on with a span. */
export function traceHeaders(span: SpanContext): TraceHeaders {
  const tracestate = span.traceState?.serialize();
  return { traceparent: traceparentOf(span), ...(tracestate && { tracestate }) };
}

/** A span's flags as the header and log lines write them: two hexadecimal digits. */
export function flagsText(traceFlags: number): string {
  return (traceFlags & KNOWN_FLAGS).toString(16).padStart(2, "0");
}

/** Whether a span says that its trace is recorded. */
export function isSampled({ traceFlags }: Pick<SpanContext, "traceFlags">): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
