import assert from "node:assert/strict";
import { counter, forget, gauge, histogram, type Registry } from "$lib/metrics.ts";
import type { ExportOutcomes } from "$lib/telemetry/outcomes.ts";
import { startPush } from "$lib/telemetry/push.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { receivedMetrics } from "../../tests/fakes/otlp_metrics.ts";
import { noConnection, type OtlpReceiver, silence } from "../../tests/fakes/otlp_receiver.ts";
import { INTERVAL_MS, metricsIn, pointsOf, startPushed } from "../../tests/fakes/pushed.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";

const METRICS = {
  requests: counter({ name: "brokkr_requests_total", help: "R.", labels: { status: "text" } }),
  stacks: gauge({ name: "brokkr_stacks_total", help: "S." }),
  time: histogram({ name: "brokkr_time_seconds", help: "T.", unit: "s", labels: { stage: ["a"] }, buckets: [0.5, 1] }),
};
const TELEMETRY = /^brokkr_(telemetry|metrics)_/;
const START_MS = Date.UTC(2026, 0, 1);
/** A failure that is not tried again within an export. */
const outage = () => new Response(null, { status: 500 });

/** What came of a counter's series: start and end in seconds after the clock's start, and the value. */
function seriesOf(receiver: OtlpReceiver, name: string, from = 0): (readonly number[])[] {
  const seconds = (ms: number) => (ms - START_MS) / 1_000;
  return pointsOf(receiver, name, from).map(({ startMs, endMs, value }) => [seconds(startMs), seconds(endMs), value]);
}

/** An answer of a receiver that left some points out. */
function partial(count: number, message: string): Response {
  const text = new TextEncoder().encode(message);
  const success = [8, count, 18, text.length, ...text];
  const headers = { "content-type": "application/x-protobuf" };
  return new Response(new Uint8Array([10, success.length, ...success]), { headers });
}

Deno.test("startPush() sends everything at once, under its resource, and again each interval", async () => {
  const { registry, receiver, next } = await startPushed();
  registry.register(METRICS).requests.add(2, { status: "200" });
  await next();

  const [first, second] = receiver.requests.map(({ body }) => receivedMetrics(body));
  assert.deepEqual(first?.map(({ resource }) => resource), [{ "service.name": "brokkr-test" }]);
  const sent = second?.[0]?.metrics.find(({ name }) => name === "brokkr_requests_total");
  assert.deepEqual(sent, {
    ...{ scope: "brokkr", name: "brokkr_requests_total", help: "R.", unit: "", type: "sum" },
    ...{ temporality: "cumulative", isMonotonic: true },
    points: [{
      ...{ labels: { status: "200" }, startMs: START_MS, endMs: START_MS + INTERVAL_MS, value: 2 },
      ...{ bounds: [], counts: [], sum: 0, count: 0 },
    }],
  });
});

Deno.test("startPush() sends what instruments of other scopes have, and never what is the page's own", async () => {
  const { registry, receiver, next } = await startPushed();
  registry.meterProvider.getMeter("a.library").createCounter("library.calls").add(3);
  await next();

  const sent = metricsIn(receiver, 1).map(({ scope, name }) => `${scope} ${name}`);
  assert.deepEqual(sent, [
    "brokkr brokkr_metrics_series_rejected_total",
    "brokkr brokkr_telemetry_exports_total",
    "brokkr brokkr_telemetry_dropped_total",
    "brokkr brokkr_telemetry_last_success_timestamp_seconds",
    "a.library library.calls",
  ]);
});

Deno.test("startPush() cuts what is sent into requests of so many points", async () => {
  const { registry, receiver, next } = await startPushed({ maxPoints: 3 });
  const { requests, time } = registry.register(METRICS);
  for (let status = 1; status <= 7; status += 1) requests.add(status, { status: String(status) });
  time.record(1, { stage: "a" });
  const from = receiver.requests.length;
  await next();

  const sizes = receiver.requests.slice(from).map(({ body }) =>
    receivedMetrics(body).flatMap(({ metrics }) => metrics.flatMap(({ points }) => points)).length
  );
  assert.ok(sizes.slice(0, -1).every((size) => size === 3) && (sizes.at(-1) ?? 0) <= 3, String(sizes));
  assert.deepEqual(pointsOf(receiver, "brokkr_requests_total", from).map(({ value }) => value), [1, 2, 3, 4, 5, 6, 7]);
});

for (const temporality of ["cumulative", "delta"] as const) {
  Deno.test(`startPush() sends in halves what its receiver refuses as too large, each point once; ${temporality}`, async () => {
    const { registry, receiver, lines, next } = await startPushed({ temporality });
    const { requests } = registry.register(METRICS);
    const names = Array.from({ length: SERIES }, (_, n) => `status ${n}`);
    for (const status of names) requests.add(1, { status });
    await next();
    const from = receiver.requests.length;
    receiver.answer = ({ body }) => new Response(null, { status: body.length > TAKEN_BYTES ? 413 : 200 });

    for (const status of names) requests.add(2, { status });
    await next();
    const first = pointsIn(receiver.requests.slice(from).filter(({ body }) => body.length <= TAKEN_BYTES));
    const middle = receiver.requests.length;
    await next();

    const value = temporality === "delta" ? 2 : 3;
    assert.deepEqual(first, names.map((status) => [status, value]));
    assert.ok(receiver.requests.slice(from, middle).some(({ body }) => body.length > TAKEN_BYTES));
    assert.ok(receiver.requests.slice(middle).every(({ body }) => body.length <= TAKEN_BYTES));
    const ends = await exportsOf(registry);
    assert.deepEqual([ends?.filter((line) => !line.includes("success")), lines], [[], []]);
  });
}

const SERIES = 900;
const TAKEN_BYTES = 30_000;

/** Each series of the counter, and its value. */
function pointsIn(requests: OtlpReceiver["requests"]): readonly (readonly unknown[])[] {
  const metrics = requests.flatMap(({ body }) => receivedMetrics(body).flatMap(({ metrics }) => metrics));
  return metrics.filter(({ name }) => name === "brokkr_requests_total")
    .flatMap(({ points }) => points.map(({ labels, value }) => [labels["status"], value]));
}

Deno.test("startPush() with delta sends what came since, of every scope, and leaves gauges and up-down counters", async () => {
  const { registry, receiver, next } = await startPushed({ temporality: "delta" });
  const { requests, stacks, time } = registry.register(METRICS);
  const meter = registry.meterProvider.getMeter("a.library");
  const [theirs, level] = [meter.createCounter("calls"), meter.createUpDownCounter("level")];
  function work(times: number): void {
    requests.add(times, { status: "200" });
    stacks.record(times);
    time.record(times / 4, { stage: "a" });
    theirs.add(times);
    level.add(-times);
  }

  work(2);
  await next();
  work(3);
  await next();

  assert.deepEqual(seriesOf(receiver, "brokkr_requests_total"), [[0, 60, 2], [60, 120, 3]]);
  assert.deepEqual(pointsOf(receiver, "calls").map(({ value }) => value), [2, 3]);
  assert.deepEqual(pointsOf(receiver, "level").map(({ value }) => value), [-2, -5]);
  assert.deepEqual(pointsOf(receiver, "brokkr_stacks_total").map(({ value }) => value), [2, 3]);
  const histograms = pointsOf(receiver, "brokkr_time_seconds", 1).map(({ counts, sum, count }) => [counts, sum, count]);
  assert.deepEqual(histograms, [[[1, 0, 0], 0.5, 1], [[0, 1, 0], 0.75, 1]]);
  const temporalities = metricsIn(receiver).filter(({ scope }) => scope === "a.library");
  assert.deepEqual([...new Set(temporalities.map(({ name, temporality }) => `${name} ${temporality}`))], [
    "calls delta",
    "level cumulative",
  ]);
});

Deno.test("startPush() with lowmemory leaves observed counters of other scopes cumulative, and none of ours", async () => {
  const { registry, receiver, next } = await startPushed({ temporality: "lowmemory" });
  registry.register(METRICS).requests.add(2, { status: "200" });
  const meter = registry.meterProvider.getMeter("a.library");
  meter.createCounter("calls").add(1);
  meter.createObservableCounter("observed").addCallback((result) => result.observe(4));
  await next();

  const temporalities = metricsIn(receiver, 1).filter(({ type, name }) => type === "sum" && !TELEMETRY.test(name));
  assert.deepEqual(temporalities.map(({ name, temporality }) => `${name} ${temporality}`), [
    "brokkr_requests_total delta",
    "calls delta",
    "observed cumulative",
  ]);
});

Deno.test("startPush() with delta loses nothing of an outage: what nobody took is part of the next interval", async () => {
  const { registry, receiver, next } = await startPushed({ temporality: "delta" });
  const { requests, time } = registry.register(METRICS);
  const theirs = registry.meterProvider.getMeter("a.library").createCounter("calls");
  const work = (times: number) => {
    requests.add(times, { status: "200" });
    theirs.add(times);
    time.record(times, { stage: "a" });
  };
  work(1);
  await next();
  receiver.answer = outage;
  work(2);
  await next();
  await next();
  receiver.answer = () => new Response();
  work(4);
  const from = receiver.requests.length;
  await next();

  assert.deepEqual(seriesOf(receiver, "brokkr_requests_total", from).at(-1), [60, 240, 6]);
  assert.equal(pointsOf(receiver, "calls", from).at(-1)?.value, 6);
  assert.deepEqual(pointsOf(receiver, "brokkr_time_seconds", from).at(-1)?.sum, 6);
});

Deno.test("startPush() leaves the rest of an export to the next one where a request of it fails", async () => {
  const { registry, receiver, next } = await startPushed({ maxPoints: 3 });
  const { requests } = registry.register(METRICS);
  for (let status = 1; status <= 7; status += 1) requests.add(status, { status: String(status) });
  receiver.answer = outage;
  const from = receiver.requests.length;
  await next();
  const failed = receiver.requests.length - from;
  receiver.answer = () => new Response();
  await next();

  assert.equal(failed, 1);
  const values = pointsOf(receiver, "brokkr_requests_total", from + 1).map(({ value }) => value);
  assert.deepEqual(values, [1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("startPush() with delta moves only the series of the batches that were answered for", async () => {
  const { registry, receiver, next } = await startPushed({ temporality: "delta", maxPoints: 9 });
  const { requests } = registry.register(METRICS);
  const work = () => {
    for (const status of ["a", "b", "c"]) requests.add(1, { status });
  };
  const isOfFirst = (body: Uint8Array) =>
    receivedMetrics(body).some(({ metrics }) => metrics.some(({ name }) => name === "brokkr_telemetry_exports_total"));
  work();
  receiver.answer = ({ body }) => isOfFirst(body) ? new Response() : outage();
  await next();
  receiver.answer = () => new Response();
  const from = receiver.requests.length;
  work();
  await next();

  const values = pointsOf(receiver, "brokkr_requests_total", from).map(({ labels, value }) => [labels.status, value]);
  assert.deepEqual(values, [["a", 1], ["b", 2], ["c", 2]]);
});

for (
  const [kind, answer] of [
    ["a partial success", () => partial(1, "too old")],
    ["a refusal that is final", () => new Response(null, { status: 400 })],
  ] as const
) {
  Deno.test(`startPush() with delta sends nothing again after ${kind}`, async () => {
    const { registry, receiver, next } = await startPushed({ temporality: "delta" });
    const { requests } = registry.register(METRICS);
    requests.add(2, { status: "200" });
    receiver.answer = answer;
    await next();
    receiver.answer = () => new Response();
    requests.add(3, { status: "200" });
    await next();

    assert.deepEqual(seriesOf(receiver, "brokkr_requests_total"), [[0, 60, 2], [60, 120, 3]]);
  });
}

for (const temporality of ["cumulative", "delta"] as const) {
  Deno.test(`startPush() with ${temporality} begins a series anew that was taken away and made again`, async () => {
    const { registry, receiver, next } = await startPushed({ temporality });
    const { requests } = registry.register(METRICS);
    requests.add(5, { status: "200" });
    await next();
    forget(requests, { status: "200" });
    requests.add(1, { status: "200" });
    await next();

    assert.deepEqual(seriesOf(receiver, "brokkr_requests_total"), [[0, 60, 5], [60, 120, 1]]);
  });

  Deno.test(`startPush() with ${temporality} ends no interval before it began where the clock is set back`, async () => {
    const { registry, receiver, next, clock } = await startPushed({ temporality });
    const { requests } = registry.register(METRICS);
    requests.add(1, { status: "200" });
    await next();
    clock.setBack(3_600_000);
    requests.add(1, { status: "200" });
    await next();

    const points = pointsOf(receiver, "brokkr_requests_total");
    assert.deepEqual(points.filter(({ startMs, endMs }) => startMs > endMs), []);
    assert.equal(points.length, 2);
  });
}

/** What the program's own metrics say of its exports. */
function exportsOf(registry: Registry) {
  return registry.page?.("text").then((page) =>
    page.split("\n").filter((line) => /^brokkr_telemetry_(exports|dropped)/.test(line) && !line.endsWith(" 0"))
      .map((line) => line.replace('signal="metrics",', ""))
  );
}

Deno.test("startPush() counts how its requests end, and says once that they fail and once that they go again", async () => {
  const { registry, receiver, next, lines } = await startPushed();
  receiver.answer = outage;
  await next();
  await next();
  receiver.answer = () => new Response(null, { status: 403 });
  await next();
  receiver.answer = () => new Response();
  await next();
  await next();

  assert.deepEqual(await exportsOf(registry), [
    'brokkr_telemetry_exports_total{result="success"} 3',
    'brokkr_telemetry_exports_total{result="rejected"} 1',
    'brokkr_telemetry_exports_total{result="failed"} 2',
    'brokkr_telemetry_dropped_total{reason="failed"} 8',
  ]);
  assert.deepEqual(lines, [
    ["telemetry can't be sent", { signal: "metrics", reason: "status 500" }],
    ["telemetry is sent again", { signal: "metrics" }],
  ]);
});

Deno.test("startPush() says when its receiver took something last, which a failure and a refusal are not", async () => {
  const { registry, receiver, next } = await startPushed();
  const lastSeconds = async () => {
    const page = await registry.page?.("text") ?? "";
    return Number(/^brokkr_telemetry_last_success_timestamp_seconds\{.*\} (\d+)$/m.exec(page)?.[1]) - START_MS / 1_000;
  };
  const seen = [await lastSeconds()];

  for (const answer of [outage, () => new Response(null, { status: 403 }), () => partial(1, "too old")]) {
    receiver.answer = answer;
    await next();
    seen.push(await lastSeconds());
  }

  assert.deepEqual(seen, [0, 0, 0, 180]);
});

Deno.test("startPush() says once that a receiver leaves points out, and how many", async () => {
  const { registry, receiver, next, lines } = await startPushed();
  receiver.answer = () => partial(2, "too old");
  await next();
  await next();

  assert.deepEqual(await exportsOf(registry), [
    'brokkr_telemetry_exports_total{result="success"} 1',
    'brokkr_telemetry_exports_total{result="partial"} 2',
    'brokkr_telemetry_dropped_total{reason="failed"} 4',
  ]);
  const reason = '2 data points were left out: "too old"';
  assert.deepEqual(lines, [["telemetry is sent, but its receiver leaves some of it out", {
    ...{ signal: "metrics", reason },
  }]]);
});

Deno.test("startPush() runs one export at a time, however slow its receiver is", async () => {
  const { receiver, clock } = await startPushed({}, { answer: silence });

  await clock.advance(9_999);
  assert.equal(receiver.requests.length, 1);
  await clock.advance(1 + INTERVAL_MS);
  assert.equal(receiver.requests.length, 2);
});

Deno.test("stop() sends once more what there is", async () => {
  const { registry, receiver, running, clock } = await startPushed();
  registry.register(METRICS).requests.add(7, { status: "200" });

  await running.stop();

  assert.deepEqual(seriesOf(receiver, "brokkr_requests_total"), [[0, 0, 7]]);
  assert.equal(clock.pending, 0);
});

Deno.test("stop() ends where the metrics can't be collected any more, and says so", async () => {
  const errors: string[] = [];
  const collect = () => Promise.reject(new Error("broken"));
  const push = startPush({ temporality: "cumulative", maxPoints: 1, maxBytes: 1, intervalMs: INTERVAL_MS }, {
    ...{ own: { collect }, others: { collect }, resource: () => ({}), clock: new ManualClock(), random: () => 0.5 },
    sender: { send: () => assert.fail("nothing to send") },
    outcomes: {} as ExportOutcomes,
    log: { ...silentLog(), error: (message) => errors.push(message) },
  });

  await push.stop();

  assert.deepEqual([...new Set(errors)], ["the metrics can't be collected to be sent"]);
});

Deno.test("stop() ends within its time where the receiver is silent, or is tried again", async () => {
  for (const answer of [silence, noConnection, () => new Response(null, { status: 503 })]) {
    const { running, clock } = await startPushed({}, { answer });
    let isStopped = false;
    const stopping = running.stop().then(() => isStopped = true);

    await clock.advance(3_000);
    await clock.settle();

    assert.equal(isStopped, true);
    await stopping;
    assert.equal(clock.pending, 0);
  }
});
