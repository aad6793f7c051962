import assert from "node:assert/strict";
import fc from "fast-check";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import type { LogFields } from "$lib/log.ts";
import { counter, createRegistry, disabledRegistry, gauge, histogram } from "$lib/metrics.ts";
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
  const registry = createRegistry({ clock: new ManualClock(), log });
  const page = registry.page ?? assert.fail("there is no page");
  return { registry, page, meter: registry.meterProvider.getMeter("others"), warnings };
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
  requests.bind({ status: "200", result: "ok" }).add(2);
  time.bind({ stage: "a" }).record(0.7);

  const text = await page("text");

  assert.equal(
    text,
    `# HELP brokkr_metrics_series_rejected_total Uses of a label set that found its metric full and were counted under labels that are all \`other\`.
# TYPE brokkr_metrics_series_rejected_total counter
brokkr_metrics_series_rejected_total 0
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
  registry.register(METRICS).stacks.bind().set(3);
  meter.createCounter("sdk.requests").add(1);

  const [openmetrics, text] = [await page("openmetrics"), await page("text")];

  assert.deepEqual(samplesOf(openmetrics), samplesOf(text));
  assert.equal(openmetrics.split("# EOF").length, 2);
  assert.ok(openmetrics.endsWith("\n# EOF\n"));
  assert.doesNotMatch(text, /EOF/);
});

Deno.test("page() shows the official serializer's samples of the same data, whatever the data", async () => {
  const observation = fc.record({ status: fc.string(), seconds: fc.double({ min: 0, max: 20, noNaN: true }) });
  await fc.assert(
    fc.asyncProperty(fc.array(observation), fc.integer(), async (observations, stackCount) => {
      const { registry, page } = start();
      const { requests, stacks, time } = registry.register(METRICS);
      stacks.bind().set(stackCount);
      for (const { status, seconds } of observations) {
        requests.bind({ status, result: "ok" }).add(seconds);
        time.bind({ stage: "a" }).record(seconds);
      }

      const { resourceMetrics } = await registry.producer.collect();
      const official = new PrometheusSerializer("", false, undefined, true, true).serialize(resourceMetrics);

      assert.deepEqual(samplesOf(await page("text")), samplesOf(official));
    }),
    { numRuns: 50 },
  );
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
  registry.register(METRICS).stacks.bind().set(3);
  meter.createGauge("brokkr.stacks.total").record(99);
  meter.createUpDownCounter("brokkr.requests").add(98);

  const pages = [await page("text"), await page("openmetrics")].join("");

  assert.doesNotMatch(pages, / 9[89]$/m);
  assert.deepEqual(warnings, [
    { metric: "brokkr_stacks_total", reason: "the name is taken" },
    { metric: "brokkr_requests", reason: "the name is taken" },
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
  meter.createCounter("sdk.a").add(1, { "a.b": "x", "a_b": "y", "1st": true });

  const text = await page("text");

  assert.match(text, /^sdk_a_total\{a_b="x;y",_1st="true"\} 1$/m);
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

  for (const id of ["a", "b", "c"]) family.bind({ id }).add();

  const samples = samplesOf(await page("text"));
  assert.deepEqual(samples, [
    "brokkr_metrics_series_rejected_total 2",
    'capped_total{id="a"} 1',
    'capped_total{id="other"} 2',
  ]);
});

Deno.test("register() gives families whose undeclared label values do not compile", () => {
  const { registry } = start();
  const { requests, stacks } = registry.register(METRICS);

  // @ts-expect-error "maybe" is no result
  requests.bind({ status: "200", result: "maybe" });
  // @ts-expect-error a label is missing
  requests.bind({ status: "200" });
  // @ts-expect-error a counter can't be set
  assert.equal(requests.bind({ status: "200", result: "ok" }).set, undefined);
  // @ts-expect-error a gauge can't be added to
  assert.equal(stacks.bind().add, undefined);
});

Deno.test("disabledRegistry() gives cells that do nothing and has no page", async () => {
  const registry = disabledRegistry();
  const { requests, stacks, time } = registry.register(METRICS);

  requests.bind({ status: "200", result: "ok" }).add();
  stacks.bind().set(1);
  time.bind({ stage: "a" }).record(1);
  registry.meterProvider.getMeter("others").createCounter("sdk.requests").add(1);

  const { resourceMetrics } = await registry.producer.collect();
  assert.deepEqual(resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics), []);
  assert.equal(registry.page, undefined);
});
