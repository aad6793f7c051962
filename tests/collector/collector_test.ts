import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";
import { type Collector, startCollector } from "./collector.ts";

const RESOURCE = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";

testWith("collector", "startCollector() reads points of every kind as they were sent", async () => {
  await using collector = await startCollector();
  const times = { startTimeUnixNano: "1700000000000000001", timeUnixNano: "1700000060000000002" };
  const metrics = [
    {
      ...{ name: "orders", description: "Orders.", unit: "{order}" },
      sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [{ ...times, asInt: "7" }] },
    },
    { name: "open", sum: { aggregationTemporality: 2, dataPoints: [{ ...times, asDouble: -0.5 }] } },
    { name: "level", gauge: { dataPoints: [{ timeUnixNano: "3", asDouble: 0 }] } },
    {
      ...{ name: "wait", unit: "s" },
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [{ ...times, count: "3", sum: 1.5, explicitBounds: [0.1, 1], bucketCounts: ["1", "0", "2"] }],
      },
    },
  ];

  await send(collector, "metrics", { resourceMetrics: [{ resource: RESOURCE, scopeMetrics: [scoped({ metrics })] }] });

  const points = await received(() => collector.points());
  const came = { resource: { "service.name": "shop" }, scope: "till", request: 0, attributes: {} };
  const at = { startNanos: 1700000000000000001n, timeNanos: 1700000060000000002n };
  const bare = { description: "", unit: "" };
  assert.deepEqual(points, [
    {
      ...{ ...came, ...at, name: "orders", description: "Orders.", unit: "{order}", kind: "sum", temporality: "delta" },
      ...{ isMonotonic: true, value: 7 },
    },
    {
      ...{ ...came, ...at, ...bare, name: "open", kind: "sum", temporality: "cumulative", isMonotonic: false },
      value: -0.5,
    },
    { ...came, ...bare, name: "level", kind: "gauge", startNanos: 0n, timeNanos: 3n, value: 0 },
    {
      ...{ ...came, ...at, name: "wait", description: "", unit: "s", kind: "histogram", temporality: "cumulative" },
      value: { count: 3, sum: 1.5, bounds: [0.1, 1], counts: [1, 0, 2] },
    },
  ]);
});

testWith("collector", "startCollector() reads spans and logs as they were sent", async () => {
  await using collector = await startCollector();
  const attributes = [
    { key: "http.route", value: { stringValue: "/orders" } },
    { key: "count", value: { intValue: "3" } },
    { key: "isFirst", value: { boolValue: true } },
    { key: "names", value: { arrayValue: { values: [{ stringValue: "a" }, { doubleValue: 0.5 }] } } },
  ];
  const read = { "http.route": "/orders", count: 3, isFirst: true, names: ["a", 0.5] };
  const ids = { traceId: TRACE_ID, spanId: SPAN_ID };
  const span = {
    ...{ ...ids, parentSpanId: "00f067aa0ba902b7", name: "GET /orders", kind: 2, attributes },
    ...{ startTimeUnixNano: "5", endTimeUnixNano: "9", links: [ids], status: { code: 2, message: "no" } },
    events: [{ name: "retry", timeUnixNano: "6", attributes: attributes.slice(0, 1) }],
  };
  const record = {
    ...{ ...ids, timeUnixNano: "7", severityNumber: 9, severityText: "INFO", attributes },
    body: { stringValue: "sold" },
  };

  await send(collector, "traces", {
    resourceSpans: [{ resource: RESOURCE, scopeSpans: [scoped({ spans: [span] })] }],
  });
  await send(collector, "logs", {
    resourceLogs: [{ resource: RESOURCE, scopeLogs: [scoped({ logRecords: [record] })] }],
  });

  const came = { resource: { "service.name": "shop" }, scope: "till", request: 0 };
  assert.deepEqual(await received(() => collector.spans()), [{
    ...{ ...came, ...ids, parentSpanId: "00f067aa0ba902b7", name: "GET /orders", kind: "server", attributes: read },
    ...{ startNanos: 5n, endNanos: 9n, links: [{ ...ids, attributes: {} }], status: "error", statusMessage: "no" },
    events: [{ name: "retry", timeNanos: 6n, attributes: { "http.route": "/orders" } }],
  }]);
  assert.deepEqual(await received(() => collector.logs()), [{
    ...{ ...came, ...ids, timeNanos: 7n, severity: 9, severityText: "INFO", body: "sold", attributes: read },
  }]);
});

testWith("collector", "stopProgram() takes it away, and startProgram() adds to what it had received", async () => {
  await using collector = await startCollector();
  const level = { name: "level", gauge: { dataPoints: [{ timeUnixNano: "3", asDouble: 1 }] } };
  const metrics = { resourceMetrics: [{ resource: RESOURCE, scopeMetrics: [scoped({ metrics: [level] })] }] };
  await send(collector, "metrics", metrics);

  await collector.stopProgram();
  const kept = await collector.points();
  await assert.rejects(send(collector, "metrics", metrics), TypeError);
  await collector.startProgram();
  await send(collector, "metrics", metrics);

  assert.deepEqual(kept.map(({ request }) => request), [0]);
  const points = await waitFor(async () => {
    const found = await collector.points();
    return found.length === 2 ? found : undefined;
  }, { what: "receive again" });
  assert.deepEqual(points.map(({ name, request }) => [name, request]), [["level", 0], ["level", 1]]);
});

testWith("collector", "the address of gRPC speaks HTTP/2 without TLS", async () => {
  await using collector = await startCollector();
  const [hostname = "", port] = collector.grpcAddress.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });

  await connection.write(new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"));
  const head = new Uint8Array(9);
  await connection.read(head);

  assert.equal(head[3], 4, "the first frame of a server is its SETTINGS");
});

function scoped<Part>(part: Part): Part & { readonly scope: { readonly name: string } } {
  return { ...part, scope: { name: "till" } };
}

async function send({ url }: Collector, signal: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/${signal}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.text());
}

function received<Part>(ask: () => Promise<Part[]>): Promise<Part[]> {
  return waitFor(async () => {
    const parts = await ask();
    return parts.length > 0 ? parts : undefined;
  }, { what: "receive what was sent" });
}
