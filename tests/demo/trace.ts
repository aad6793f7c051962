import { gunzipSync } from "node:zlib";
import { type ReceivedSpan, receivedSpans } from "../fakes/otlp_spans.ts";

/** What takes traces by OTLP over HTTP, in this process, and keeps them. */
export interface TraceReceiver extends AsyncDisposable {
  /** What spans are posted to. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
}

/** Starts a receiver on a free port of loopback. */
export function startTraceReceiver(): TraceReceiver {
  const spans: ReceivedSpan[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const sent = await request.bytes();
    spans.push(...receivedSpans(request.headers.get("content-encoding") === "gzip" ? gunzipSync(sent) : sent));
    return new Response(null, { headers: { "content-type": "application/x-protobuf" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1/traces`,
    spans,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const SUBMIT = "POST /api/v1/stacks/:id/deployment-objects";
const REPORT = "POST /api/v1/agents/:id/events";

/** The trace of the first submission, once what comes back with the agent's report is there; until then undefined. */
export function firstDelivery(spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] | undefined {
  const [first] = inOrder(spans.filter(({ name }) => name === SUBMIT));
  const trace = spans.filter(({ traceId }) => traceId === first?.traceId);
  const turns = trace.filter(({ name }) => name === "apply stack");
  const reports = trace.filter(({ name }) => name === REPORT);
  return turns.length > 0 &&
      reports.some(({ endNanoseconds }) => turns.every((turn) => endNanoseconds > turn.endNanoseconds))
    ? trace
    : undefined;
}

/**
 * A trace as rows: when each span began, how long it took, whose it is and, indented below what it is part of, its
 * name.
 */
export function treeRows(trace: readonly ReceivedSpan[]): string[][] {
  const [first] = inOrder(trace);
  if (first === undefined) return [];
  const known = new Set(trace.map(({ spanId }) => spanId));
  const roots = trace.filter(({ parentId }) => !known.has(parentId));
  return inOrder(roots).flatMap((root) => rowsOf(root, { trace, originNs: first.startNanoseconds, depth: 0 }));
}

interface Below {
  readonly trace: readonly ReceivedSpan[];
  readonly originNs: bigint;
  readonly depth: number;
}

function rowsOf(span: ReceivedSpan, { trace, originNs, depth }: Below): string[][] {
  const { name, resource, spanId, startNanoseconds, endNanoseconds, status } = span;
  const own = [
    milliseconds(startNanoseconds - originNs),
    milliseconds(endNanoseconds - startNanoseconds),
    String(resource["service.name"] ?? ""),
    `${"  ".repeat(depth)}${name}${status === "error" ? " (failed)" : ""}`,
  ];
  const children = trace.filter(({ parentId }) => parentId === spanId);
  return [own, ...inOrder(children).flatMap((child) => rowsOf(child, { trace, originNs, depth: depth + 1 }))];
}

function inOrder(spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] {
  return spans.toSorted((one, other) => Number(one.startNanoseconds - other.startNanoseconds));
}

function milliseconds(nanoseconds: bigint): string {
  return (Number(nanoseconds) / 1e6).toFixed(1).padStart(8);
}
