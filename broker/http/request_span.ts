import { SpanKind } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import { withoutSecrets } from "$lib/log.ts";
import type { Exchange } from "$lib/serve.ts";
import { parseTraceparent, type TraceHeaders, traceHeaders } from "$lib/traceparent.ts";
import type { Span, Tracing } from "$lib/tracing.ts";
import type { Caller } from "../domain/caller.ts";
import type { Endpoint } from "./endpoint.ts";

/** A request whose caller is known. */
export interface KnownRequest {
  readonly request: Request;
  readonly endpoint: Pick<Endpoint, "isTraced">;
  readonly exchange: Pick<Exchange, "endpoint" | "startMs">;
  readonly caller: Caller;
}

/**
 * The span of a request, where it is sampled, begun when the request came: who asks is found out first, and a
 * stranger's trace is passed over whole. By OpenTelemetry's conventions for HTTP; of what a client sends, the path
 * alone is in it.
 */
export function beginRequest(
  { request, endpoint, exchange, caller: { role, id } }: KnownRequest,
  { tracing, clock }: { readonly tracing: Tracing; readonly clock: Clock },
): Span | undefined {
  if (!tracing.isOn || !endpoint.isTraced) return undefined;
  const parent = parseTraceparent(request.headers.get("traceparent"), request.headers.get("tracestate"));
  if (!tracing.samples(`${role} ${id}`, parent)) return undefined;
  const { method, url } = request;
  const { pathname, protocol } = new URL(url);
  const elapsedMs = clock.monotonic() - exchange.startMs;
  return tracing.begin(`${method} ${exchange.endpoint}`, {
    ...{ kind: SpanKind.SERVER, parent, elapsedMs },
    attributes: {
      "http.request.method": method,
      "http.route": exchange.endpoint,
      "url.path": withoutSecrets(pathname), // a client may have put its key there
      "url.scheme": protocol.slice(0, -1),
      "brokkr.caller.role": role,
      "brokkr.caller.id": id,
    },
  });
}

/**
 * The span that agents are told of as the one that asked for what they do: the request's own where it is sampled, else
 * the client's, which nobody here records, so that it is named and followed no further.
 */
export function traceOf(
  { request: { headers }, span }: { readonly request: Request; readonly span: Span | undefined },
): TraceHeaders | undefined {
  if (span !== undefined) return traceHeaders(span.context);
  const client = parseTraceparent(headers.get("traceparent"), headers.get("tracestate"));
  return client && traceHeaders({ ...client, traceFlags: 0 });
}
