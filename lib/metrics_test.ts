import assert from "node:assert/strict";
import { fc } from "../tests/fakes/fast_check.ts";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { LogFields } from "$lib/log.ts";
import { bound, counter, createRegistry, disabledRegistry, forget, gauge, histogram } from "$lib/metrics.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";

const METRICS = {
  requests: counter({ name: "brokkr_requests_total", help: "R.", labels: { status: "text", result: ["ok", "bad"] } }),
  stacks: gauge({ name: "brokkr_stacks_total", help: "S." }),
  time: histogram({ name: "brokkr_time_seconds", help: "T.", unit: "s", labels: { stage: ["a"] }, buckets: [0.5, 1] }),
};

function start() {
  const warnings: LogFields[] = [];
  const nothing = () => {};
  const log = {
    debug: nothing,
    info: nothing,
    error: nothing,
    warn: (_: string, fields = {}) => warnings.push(fields),
  };
  const clock = new ManualClock();
  const registry = createRegistry({ clock, log });
  const page = registry.page ?? assert.fail("there is no page");
  return { registry, page, clock, meter: registry.meterProvider.getMeter("others"), warnings };
}

/** The samples of a page in either spelling of bounds, sorted. */
function samplesOf(page: string): string[] {
  return page.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.replace(/le="([^"]+)"/, (_, bound) => `le="${bound === "+Inf" ? bound : Number(bound)}"`))
    .sort();
}

Deno.test("page() writes the text format: a counter with _total, what starts at 0, no end mark", async () => {
  const { registry, page } = start();
  const { requests, time } = registry.register(METRICS);
  requests.add(2, { status: "200", result: "ok" });
  time.record(0.7, { stage: "a" });

  const text = await page("text");

  assert.equal(
    text,
    `# HELP brokkr_metrics_series_rejected_total Uses of a label set that found its metric full and were counted under labels that are all \`other\`.
# TYPE brokkr_metrics_series_rejected_total counter
brokkr_metrics_series_rejected_total 0
# HELP brokkr_metrics_series Samples on this page, this one included: what Prometheus calls scrape_samples_scraped.
# TYPE brokkr_metrics_series gauge
brokkr_metrics_series 9
# HELP brokkr_metrics_scrape_duration_seconds Time that the previous page took to make; 0 before the second.
# TYPE brokkr_metrics_scrape_duration_seconds gauge
brokkr_metrics_scrape_duration_seconds 0
# HELP brokkr_requests_total R.
# TYPE brokkr_requests_total counter
brokkr_requests_total{status="200",result="ok"} 2
# HELP brokkr_time_seconds T.
# TYPE brokkr_time_seconds histogram
brokkr_time_seconds_bucket{stage="a",le="0.5"} 0
brokkr_time_seconds_bucket{stage="a",le="1.0"} 1
brokkr_time_seconds_bucket{stage="a",le="+Inf"} 1
brokkr_time_seconds_sum{stage="a"} 0.7
brokkr_time_seconds_count{stage="a"} 1
`,
  );
});

Deno.test("page() writes the same samples in OpenMetrics, with exactly one end mark, at the end", async () => {
  const { registry, page, meter } = start();
  registry.register(METRICS).stacks.record(3);
  meter.createCounter("sdk.requests").add(1);

  const [openmetrics, text] = [await page("openmetrics"), await page("text")];

  assert.deepEqual(samplesOf(openmetrics), samplesOf(text));
  assert.equal(openmetrics.split("# EOF").length, 2);
  assert.ok(openmetrics.endsWith("\n# EOF\n"));
  assert.doesNotMatch(text, /EOF/);
});

/** Anything that a program does with its metrics: use, take away, use too many labels. */
const deeds = fc.array(fc.record({
  deed: fc.constantFrom("add", "record", "set", "remove", "overflow"),
  label: fc.string(),
  value: fc.double({ min: 0, max: 20, noNaN: true }),
}));

interface Deed {
  readonly deed: string;
  readonly label: string;
  readonly value: number;
}

/** A registry with instruments of the SDK beside its own, after `deeds` of its program. */
function worked(done: readonly Deed[]) {
  const started = start();
  const { registry, meter } = started;
  const { requests, stacks, time } = registry.register(METRICS);
  const { capped, byLabel } = registry.register({
    capped: histogram({ name: "c_seconds", help: "C.", unit: "s", labels: { l: "text" }, buckets: [1], maxSeries: 2 }),
    byLabel: gauge({ name: "by_label", help: "L.", labels: { l: "text" } }),
  });
  const theirs = meter.createCounter("sdk.requests");
  for (const { deed, label, value } of done) {
    if (deed === "add") requests.add(value, { status: label, result: "ok" });
    if (deed === "record") time.record(value, { stage: "a" });
    if (deed === "set") {
      stacks.record(value);
      byLabel.record(value, { l: label });
    }
    if (deed === "remove") {
      forget(requests, { status: label, result: "ok" });
      forget(stacks);
    }
    if (deed === "overflow") capped.record(value, { l: label });
    if (deed === "overflow") theirs.add(value, { l: label });
  }
  return started;
}

Deno.test("page() shows the official serializer's samples of the same data, whatever the data", async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async (done) => {
      const { registry, page } = worked(done);

      const own = samplesOf(await page("text")).filter((line) =>
        !/^(sdk_|brokkr_metrics_s(eries|crape_.*) )/.test(line)
      );

      const { resourceMetrics } = await registry.producer.collect();
      const official = new PrometheusSerializer("", false, undefined, true, true).serialize(resourceMetrics);
      assert.deepEqual(own, samplesOf(official));
    }),
    { numRuns: 50 },
  );
});

Deno.test("page() says how many samples it has, in both formats, whatever is on it", async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async (done) => {
      const { page } = worked(done);

      for (const format of ["text", "openmetrics"] as const) {
        const text = await page(format);

        assert.match(text, new RegExp(`^brokkr_metrics_series ${samplesOf(text).length}$`, "m"));
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("page() makes two pages at once, each whole and with its own count", async () => {
  const { registry, page, meter } = start();
  registry.register(METRICS);
  const slow = Promise.withResolvers<void>();
  meter.createObservableGauge("sdk.slow").addCallback(async (observed) => {
    await slow.promise;
    observed.observe(1);
  });
  const pages = Promise.all([page("text"), page("openmetrics")]);
  registry.register({ late: counter({ name: "late_total", help: "L." }) });

  slow.resolve();

  for (const text of await pages) {
    assert.match(text, new RegExp(`^brokkr_metrics_series ${samplesOf(text).length}$`, "m"));
  }
});

Deno.test("page() says how long the page before it took", async () => {
  const { page, clock, meter } = start();
  meter.createObservableGauge("sdk.slow").addCallback(() => clock.advance(1_500));

  const first = await page("text");
  const second = await page("text");

  const took = [first, second].map((text) => /^brokkr_metrics_scrape_duration_seconds (.*)$/m.exec(text)?.[1]);
  assert.deepEqual(took, ["0", "1.5"]);
});

Deno.test("onCollect() reads before each page and each collection, and never else", async () => {
  const { registry, page } = start();
  const { stacks } = registry.register(METRICS);
  let reads = 0;
  registry.onCollect(() => stacks.record(++reads));

  const text = await page("text");
  const { resourceMetrics } = await registry.producer.collect();

  assert.match(text, /^brokkr_stacks_total 1$/m);
  const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  const pushed = all.find(({ descriptor }) => descriptor.name === "brokkr_stacks_total");
  assert.deepEqual(pushed?.dataPoints.map(({ value }) => value), [2]);
});

Deno.test("a reader that pushes gets every metric of the registry, from its start until now", async () => {
  const { registry, clock } = start();
  const { requests, time } = registry.register(METRICS);
  requests.add(2, { status: "200", result: "ok" });
  time.record(0.7, { stage: "a" });
  await clock.advance(5_000);
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [registry.producer] });
  const provider = new MeterProvider({ readers: [reader] });

  await provider.forceFlush();

  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics).flatMap(({ metrics }) => metrics);
  const named = (name: string) => metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints[0];
  assert.deepEqual([named("brokkr_requests_total")?.value, named("brokkr_requests_total")?.attributes], [2, {
    status: "200",
    result: "ok",
  }]);
  assert.deepEqual(named("brokkr_time_seconds")?.value, {
    buckets: { boundaries: [0.5, 1], counts: [0, 1, 0] },
    sum: 0.7,
    count: 1,
  });
  const [start1, end1] = [
    named("brokkr_time_seconds")?.startTime[0] ?? 0,
    named("brokkr_time_seconds")?.endTime[0] ?? 0,
  ];
  assert.equal(end1 - start1, 5);
  await provider.shutdown();
});

Deno.test("a reader that pushes is told since when each series counts, anew when it was removed, and nothing of the page", async () => {
  const { registry, clock } = start();
  const { requests } = registry.register(METRICS);
  const labels = { status: "200", result: "ok" } as const;
  requests.add(1, labels);
  await clock.advance(1_000);
  requests.add(1, { ...labels, status: "404" });
  forget(requests, labels);
  await clock.advance(1_000);
  requests.add(1, labels);

  const { resourceMetrics: { scopeMetrics } } = await registry.producer.collect();

  const all = scopeMetrics.flatMap(({ metrics }) => metrics);
  const points = all.find(({ descriptor }) => descriptor.name === "brokkr_requests_total")?.dataPoints ?? [];
  const begin = points[0]?.startTime[0] ?? 0;
  assert.deepEqual(
    points.map((
      { attributes, startTime, endTime },
    ) => [attributes["status"], startTime[0] - begin, endTime[0] - begin]),
    [["404", 0, 1], ["200", 1, 1]],
  );
  assert.deepEqual(all.filter(({ descriptor: { name } }) => /^brokkr_metrics_s(eries|crape_.*)$/.test(name)), []);
});

Deno.test("page() shows instruments of the SDK below the registry's own metrics", async () => {
  const { registry, page, meter } = start();
  registry.register(METRICS);
  meter.createCounter("sdk.requests", { description: "Theirs." }).add(2, { "http.route": "/a" });
  meter.createUpDownCounter("sdk.open").add(-1);
  meter.createHistogram("sdk.wait", { unit: "s", advice: { explicitBucketBoundaries: [1] } }).record(3);

  const text = await page("text");

  assert.deepEqual(text.slice(text.indexOf("# HELP sdk")).split("\n"), [
    "# HELP sdk_requests_total Theirs.",
    "# TYPE sdk_requests_total counter",
    'sdk_requests_total{http_route="/a"} 2',
    "# HELP sdk_open No description.",
    "# TYPE sdk_open gauge",
    "sdk_open -1",
    "# HELP sdk_wait No description.",
    "# TYPE sdk_wait histogram",
    'sdk_wait_bucket{le="1.0"} 0',
    'sdk_wait_bucket{le="+Inf"} 1',
    "sdk_wait_sum 3",
    "sdk_wait_count 1",
    "",
  ]);
});

Deno.test("page() leaves out an SDK instrument whose name the registry has, and logs it once", async () => {
  const { registry, page, meter, warnings } = start();
  registry.register(METRICS).stacks.record(3);
  meter.createGauge("brokkr.stacks.total").record(99);
  meter.createUpDownCounter("brokkr.requests").add(98);
  meter.createGauge("brokkr.requests.total").record(99);
  meter.createCounter("brokkr.stacks").add(98);

  const pages = [await page("text"), await page("openmetrics")].join("");

  assert.doesNotMatch(pages, / 9[89]$/m);
  assert.deepEqual(warnings, [
    { metric: "brokkr_stacks_total", reason: "the name is taken" },
    { metric: "brokkr_requests", reason: "the name is taken" },
    { metric: "brokkr_requests_total", reason: "the name is taken" },
  ]);
});

Deno.test("page() shows one SDK instrument of two that come to the same name", async () => {
  const { registry, page, meter } = start();
  meter.createCounter("sdk.a").add(1);
  registry.meterProvider.getMeter("more").createCounter("sdk_a").add(2);

  const text = await page("text");

  assert.deepEqual(text.match(/^sdk_a_total.*$/gm), ["sdk_a_total 1"]);
});

Deno.test("page() joins the values of SDK attributes that come to the same label, and writes no label twice", async () => {
  const { page, meter } = start();
  meter.createCounter("sdk.a").add(1, { "a.b": "x", "a_b": "y", "1st": true, constructor: "z" });

  const text = await page("text");

  assert.match(text, /^sdk_a_total\{a_b="x;y",_1st="true",constructor="z"\} 1$/m);
});

Deno.test("page() rejects when the callback of an SDK instrument fails", async () => {
  const { page, meter } = start();
  meter.createObservableGauge("sdk.broken").addCallback(() => {
    throw new Error("no reading");
  });

  await assert.rejects(page("text"), /Cannot collect the metrics/);
});

Deno.test("register() refuses a name that is taken", () => {
  const { registry } = start();
  registry.register(METRICS);

  assert.throws(() => registry.register({ again: METRICS.stacks }), /"brokkr_stacks_total": the name is taken/);
});

Deno.test("register() counts uses of label sets beyond a metric's cap", async () => {
  const { registry, page } = start();
  const capped = counter({ name: "capped_total", help: "C.", labels: { id: "text" }, maxSeries: 1 });
  const { family } = registry.register({ family: capped });

  for (const id of ["a", "b", "c"]) family.add(1, { id });

  const samples = samplesOf(await page("text"));
  assert.deepEqual(samples, [
    "brokkr_metrics_scrape_duration_seconds 0",
    "brokkr_metrics_series 5",
    "brokkr_metrics_series_rejected_total 2",
    'capped_total{id="a"} 1',
    'capped_total{id="other"} 2',
  ]);
});

Deno.test("register() gives instruments whose undeclared label values do not compile", () => {
  const { registry } = start();
  const { requests, stacks } = registry.register(METRICS);

  // @ts-expect-error "maybe" is no result
  requests.add(1, { status: "200", result: "maybe" });
  // @ts-expect-error a label is missing
  requests.add(1, { status: "200" });
  // @ts-expect-error all labels are missing
  requests.add(1);
  // @ts-expect-error a label is missing
  bound(requests, { status: "200" }).add();
  // @ts-expect-error nothing can be recorded in a counter
  assert.equal(requests.record, undefined);
  // @ts-expect-error a gauge can't be added to
  assert.equal(stacks.add, undefined);
});

Deno.test("disabledRegistry() gives instruments that do nothing and has no page", async () => {
  const registry = disabledRegistry();
  const { requests, stacks, time } = registry.register(METRICS);

  requests.add(1, { status: "200", result: "ok" });
  stacks.record(1);
  time.record(1, { stage: "a" });
  registry.meterProvider.getMeter("others").createCounter("sdk.requests").add(1);

  const { resourceMetrics } = await registry.producer.collect();
  assert.deepEqual(resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics), []);
  assert.equal(registry.page, undefined);
});
