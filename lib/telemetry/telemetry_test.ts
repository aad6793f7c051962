import assert from "node:assert/strict";
import { createRegistry, disabledRegistry } from "$lib/metrics.ts";
import type { LogFields } from "$lib/log.ts";
import type { TelemetryPlan } from "$lib/telemetry/plan.ts";
import { openTelemetry, STOP_MS } from "$lib/telemetry/telemetry.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { noClient, noConnection, OtlpReceiver, silence } from "../../tests/fakes/otlp_receiver.ts";
import { receivedMetrics } from "../../tests/fakes/otlp_metrics.ts";
import { type ReceivedSpan, receivedSpans } from "../../tests/fakes/otlp_spans.ts";

const TARGET = {
  ...{ headers: [], signalHeaders: [["api-key", "k"]] as const, headersFile: undefined, caFile: undefined },
  ...{
    clientCertFile: undefined,
    clientKeyFile: undefined,
    compression: "gzip",
    maxBytes: 500_000,
    timeoutMs: 10_000,
  } as const,
};
const TRACES = {
  target: { ...TARGET, url: new URL("http://collector/v1/traces") },
  ...{ ratio: 1, followsParent: true, maxFollowedPerSecond: 10 },
};
const METRICS = {
  target: { ...TARGET, url: new URL("http://collector/v1/metrics") },
  ...{ temporality: "cumulative", maxPoints: 1_000, intervalMs: 60_000 } as const,
};

interface StartOptions {
  readonly plan?: Pick<TelemetryPlan, "metrics" | "traces">;
  readonly isMetered?: boolean;
  readonly identified?: Promise<void>;
}

/** Traces that are sent to a receiver in the same process, under a clock that stands still. */
async function started({ plan = { traces: TRACES }, isMetered = true, identified }: StartOptions = {}) {
  const clock = new ManualClock();
  const receiver = new OtlpReceiver();
  const lines: (readonly [string, LogFields])[] = [];
  const note = (message: string, fields: LogFields = {}) => lines.push([message, fields]);
  const log = { debug: () => {}, info: note, warn: note, error: note };
  const telemetry = await openTelemetry({ ...plan, warnings: [] }, {
    ...{ fetch: receiver.fetch, clock, random: () => 0.5, log, env: {}, userAgent: "test" },
    onSecret: () => {},
    makeClient: noClient,
    resource: () => ({ "service.name": "brokkr-test" }),
    ...(identified && { relayed: { identified, resource: () => ({ "brokkr.agent.id": "a1" }) } }),
  });
  const registry = isMetered ? createRegistry({ clock, log, readers: telemetry.readers }) : disabledRegistry();
  const running = telemetry.start(registry);
  const spans = (): readonly ReceivedSpan[] =>
    receiver.requests.filter(({ url }) => url.endsWith("/v1/traces")).flatMap(({ body }) => receivedSpans(body));
  const series = async () => {
    const page = await registry.page?.("text") ?? "";
    return page.split("\n").filter((line) => line.startsWith("brokkr_telemetry_") && line.includes('signal="traces"'));
  };
  const end = (count: number) => {
    for (let n = 0; n < count; n += 1) running.tracing.begin(`span ${n}`)?.end();
  };
  return { clock, receiver, lines, running, registry, spans, series, end };
}

Deno.test("openTelemetry() sends spans a second after they ended, to their own endpoint, with its own headers", async () => {
  const { clock, receiver, spans, series, end } = await started();

  end(2);
  await clock.advance(1_000);

  const [{ url, method, headers } = assert.fail("nothing was sent"), ...more] = receiver.requests;
  assert.deepEqual([url, method, more.length], ["http://collector/v1/traces", "POST", 0]);
  assert.deepEqual([headers.get("content-type"), headers.get("api-key")], ["application/x-protobuf", "k"]);
  assert.deepEqual(spans().map(({ name, resource }) => [name, resource]), [
    ["span 0", { "service.name": "brokkr-test" }],
    ["span 1", { "service.name": "brokkr-test" }],
  ]);
  assert.deepEqual(await series(), [
    'brokkr_telemetry_exports_total{signal="traces",result="success"} 1',
    'brokkr_telemetry_exports_total{signal="traces",result="partial"} 0',
    'brokkr_telemetry_exports_total{signal="traces",result="rejected"} 0',
    'brokkr_telemetry_exports_total{signal="traces",result="failed"} 0',
    'brokkr_telemetry_dropped_total{signal="traces",reason="queue_full"} 0',
    'brokkr_telemetry_dropped_total{signal="traces",reason="failed"} 0',
    'brokkr_telemetry_last_success_timestamp_seconds{signal="traces"} 1767225601',
  ]);
});

Deno.test("openTelemetry() counts the spans that are lost, whoever would not take them, and says so once", async () => {
  const { clock, receiver, lines, series, end } = await started();
  const partial = new Uint8Array([10, 7, 8, 1, 18, 3, ...new TextEncoder().encode("odd")]);

  receiver.answer = noConnection;
  end(3);
  await clock.advance(20_000);
  receiver.answer = () => new Response(null, { status: 400 });
  end(2);
  await clock.advance(1_000);
  receiver.answer = () => new Response(partial);
  end(2);
  await clock.advance(1_000);
  receiver.answer = silence;
  end(2 * 512 + 2_048 + 5);

  const lost = (await series()).filter((line) => line.includes("dropped"));
  assert.deepEqual(lost, [
    'brokkr_telemetry_dropped_total{signal="traces",reason="queue_full"} 5',
    'brokkr_telemetry_dropped_total{signal="traces",reason="failed"} 6',
  ]);
  assert.deepEqual(lines.map(([message, { signal }]) => [message, signal]), [
    ["telemetry can't be sent", "traces"],
    ["telemetry is sent, but its receiver leaves some of it out", "traces"],
  ]);
});

const DNS_ERROR = "dns error: failed to lookup address information: Name or service not known";
const MINUTES: Readonly<Record<string, OtlpReceiver["answer"]>> = {
  "no connection": noConnection,
  "no such name": () => {
    throw new TypeError("error sending request", { cause: new Error(DNS_ERROR) });
  },
  "silence": silence,
  "429": () => new Response(null, { status: 429, headers: { "retry-after": "2" } }),
  "429 until later than a request may take": () =>
    new Response(null, { status: 429, headers: { "retry-after": "60" } }),
  "503": () => new Response(null, { status: 503 }),
  "a redirect": () => new Response(null, { status: 301, headers: { location: "http://elsewhere/" } }),
};

for (const [what, answer] of Object.entries(MINUTES)) {
  Deno.test(`openTelemetry() says once that its receiver is away for a minute, and once that it is back: ${what}`, async () => {
    const { clock, receiver, lines, series, end, running } = await started();
    const taken: ReceivedSpan[] = [];
    const take: OtlpReceiver["answer"] = ({ body }) => {
      taken.push(...receivedSpans(body));
      return new Response();
    };
    receiver.answer = answer;

    for (let second = 0; second < 60; second += 1) {
      end(10);
      await clock.advance(1_000);
    }
    receiver.answer = take;
    await clock.advance(20_000);
    end(1);
    await clock.advance(1_000);

    const lost = (await series()).filter((line) => line.includes("dropped")).map((line) => Number(line.split(" ")[1]));
    assert.deepEqual(lines.map(([message]) => message), ["telemetry can't be sent", "telemetry is sent again"]);
    assert.deepEqual([lost[0], taken.length + (lost[1] ?? 0)], [0, 601]);
    assert.ok(taken.length > 0 && (lost[1] ?? 0) > 0, `${taken.length} taken, ${lost[1]} lost`);
    assert.ok(receiver.requests.every(({ url }) => url === "http://collector/v1/traces"));
    await running.stop();
    assert.equal(clock.pending, 0);
  });
}

Deno.test("stop() sends the spans that there are, and ends within its time where nobody takes them", async () => {
  const [well, badly] = [await started(), await started()];
  badly.receiver.answer = silence;
  let hasStopped = false;

  for (const { end } of [well, badly]) end(700);
  await well.running.stop();
  const stopping = badly.running.stop().then(() => hasStopped = true);
  await badly.clock.advance(STOP_MS - 1);
  const before = hasStopped;
  await badly.clock.advance(1);
  await stopping;

  assert.deepEqual([well.spans().length, before], [700, false]);
  assert.deepEqual([well.clock.pending, badly.clock.pending], [0, 0]);
});

Deno.test("openTelemetry() sends traces without metrics, and metrics without traces", async () => {
  const [traces, metrics] = [
    await started({ isMetered: false }),
    await started({ plan: { metrics: METRICS } }),
  ];

  traces.end(1);
  metrics.end(1);
  for (const { running } of [traces, metrics]) await running.stop();

  assert.deepEqual([traces.running.tracing.isOn, metrics.running.tracing.isOn], [true, false]);
  assert.deepEqual([traces.spans().length, metrics.spans().length], [1, 0]);
  assert.ok(metrics.receiver.requests.length > 0);
});

Deno.test("openTelemetry() sends no metrics through a broker before it has said who asks, and then at once", async () => {
  const target = { ...TARGET, url: () => new URL("http://broker/v1/metrics") };
  const { promise: identified, resolve } = Promise.withResolvers<void>();
  const { clock, receiver, running } = await started({ plan: { metrics: { ...METRICS, target } }, identified });

  await clock.advance(200_000);
  const before = receiver.requests.length;
  resolve();
  await clock.settle();
  const after = receiver.requests.length;
  await clock.advance(60_000);
  const later = receiver.requests.length;
  await running.stop();

  assert.deepEqual([before, after, later, receiver.requests.length], [0, 1, 2, 3]);
});

Deno.test("openTelemetry() says who asks to the broker that it sends through, and to no other receiver, at no time", async () => {
  const relayed = { ...METRICS, target: { ...TARGET, url: () => new URL("http://broker/v1/metrics") } };
  const identified = Promise.resolve();
  const plan = { metrics: relayed, traces: TRACES };
  const { clock, receiver, spans, end } = await started({ plan, identified });

  end(1);
  await clock.advance(60_000);

  assert.deepEqual(spans()[0]?.resource, { "service.name": "brokkr-test" });
  const sent = receiver.requests.filter(({ url }) => url.includes("broker")).flatMap(({ body }) =>
    receivedMetrics(body)
  );
  assert.ok(sent.length > 0);
  for (const { resource } of sent) assert.deepEqual(resource, { "brokkr.agent.id": "a1" });
});

Deno.test("openTelemetry() ends at once, and without a word, where the broker never said who asks", async () => {
  const target = { ...TARGET, url: () => new URL("http://broker/v1/metrics") };
  const identified = new Promise<void>(() => {});
  const { receiver, running, lines } = await started({ plan: { metrics: { ...METRICS, target } }, identified });

  await running.stop();

  assert.deepEqual([receiver.requests, lines], [[], []]);
});
