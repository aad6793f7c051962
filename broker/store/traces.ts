import type { TraceHeaders } from "$lib/traceparent.ts";

/** Where a trace is kept, in a row or beside other fields: nothing where there is none. */
export interface KeptTrace {
  readonly traceparent?: string | null | undefined;
  readonly tracestate?: string | null | undefined;
}

/** The headers of the trace that is kept there. */
export function traceOf({ traceparent, tracestate }: KeptTrace): TraceHeaders | undefined {
  return traceparent ? { traceparent, ...(tracestate ? { tracestate } : {}) } : undefined;
}
