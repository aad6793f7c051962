import { type Context, type SpanContext, trace } from "@opentelemetry/api";
import { numberText } from "$lib/metrics/text.ts";

/** An observation of a histogram, with the span that made it. */
export interface Exemplar {
  readonly span: SpanContext;
  readonly value: number;
  /** In milliseconds since the Unix epoch. */
  readonly timeMs: number;
}

/** The span of a measurement's context, by OpenTelemetry's API. */
export function spanOf(context: Context | undefined): SpanContext | undefined {
  return context === undefined ? undefined : trace.getSpanContext(context);
}

/** What OpenMetrics has behind a bucket's sample; the ids make 63 of the 128 letters that its labels may have. */
export function exemplarText({ span: { traceId, spanId }, value, timeMs }: Exemplar): string {
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${numberText(value)} ${timeMs / 1_000}`;
}
