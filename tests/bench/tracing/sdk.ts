import { context, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Application } from "$lib/serve.ts";

const SUCCESS = 0;
const HEADERS = {
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
  keys: (headers: Headers) => [...headers.keys()],
};

/**
 * The application as instrumentation with the stock SDK has it: a span and a context of each request, sampled or not.
 */
export function tracedBySdk(application: Application, ratio: number): Application {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const propagator = new W3CTraceContextPropagator();
  const tracer = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: nowhere() })],
  }).getTracer("bench");
  return (request, exchange, sending) => {
    const { method, url, headers } = request;
    const { pathname, protocol } = new URL(url);
    const parent = propagator.extract(ROOT_CONTEXT, headers, HEADERS);
    const attributes = { "http.request.method": method, "url.path": pathname, "url.scheme": protocol.slice(0, -1) };
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    return context.with(trace.setSpan(parent, span), async () => {
      const response = await application(request, exchange, sending);
      span.updateName(`${method} ${exchange.endpoint}`);
      span.setAttributes({ "http.route": exchange.endpoint, "http.response.status_code": response.status });
      span.end();
      return response;
    });
  };
}

/** Spans are written as protobuf, as those of the other contender are. */
function nowhere() {
  return {
    export(spans: ReadableSpan[], done: (result: { readonly code: number }) => void) {
      ProtobufTraceSerializer.serializeRequest(spans);
      done({ code: SUCCESS });
    },
    shutdown: () => Promise.resolve(),
  };
}
