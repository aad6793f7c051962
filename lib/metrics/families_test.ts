import assert from "node:assert/strict";
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { counter, gauge, histogram } from "$lib/metrics/declaration.ts";
import { CounterFamily, GaugeFamily, HistogramFamily, type SeriesFamily } from "$lib/metrics/families.ts";
import { CounterSeries, GaugeSeries, HistogramSeries } from "$lib/metrics/series.ts";

const RESULTS = counter({ name: "x_total", help: "X.", labels: { result: ["success", "error"] } });
const ROUTES = counter({ name: "x_total", help: "X.", labels: { method: ["GET"], endpoint: "text" }, maxSeries: 2 });
const AGE = gauge({ name: "age_seconds", help: "Age." });
const TIME = histogram({ name: "x_seconds", help: "X.", unit: "s", buckets: [0.5, 1] });

const PARTS = { now: () => 0, onRejected: () => {} };

function samples(of: SeriesFamily): string[] {
  return of.text("text").split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

Deno.test("SeriesFamily starts closed label sets of a counter and a histogram at 0", () => {
  assert.deepEqual(samples(new CounterFamily(RESULTS, PARTS)), [
    'x_total{result="success"} 0',
    'x_total{result="error"} 0',
  ]);
  assert.deepEqual(samples(new HistogramFamily(TIME, PARTS)), [
    'x_seconds_bucket{le="0.5"} 0',
    'x_seconds_bucket{le="1.0"} 0',
    'x_seconds_bucket{le="+Inf"} 0',
    "x_seconds_sum 0",
    "x_seconds_count 0",
  ]);
});

Deno.test("SeriesFamily leaves a family out of the page until it has a sample", () => {
  assert.equal(new CounterFamily(ROUTES, PARTS).text("text"), "");
  assert.equal(new GaugeFamily(AGE, PARTS).text("text"), "");
});

Deno.test("SeriesFamily shows a gauge from the start where it declares a first value", () => {
  const declaration = gauge({ name: "up", help: "Up.", labels: { side: ["a", "b"] }, initial: 0 });

  assert.deepEqual(samples(new GaugeFamily(declaration, PARTS)), ['up{side="a"} 0', 'up{side="b"} 0']);
});

Deno.test("SeriesFamily does not show a gauge that is bound but not recorded", () => {
  const ages = new GaugeFamily(AGE, PARTS);

  ages.bind();

  assert.deepEqual([ages.text("text"), ages.series()], ["", []]);
});

Deno.test("a histogram's text says each observation, one of 0 as well", () => {
  const times = new HistogramFamily(TIME, PARTS);
  const series = times.bind();

  const counts = [0.7, 0, 0].map((value) => {
    samples(times);
    series.record(value);
    return samples(times);
  });

  assert.deepEqual(counts.map((lines) => lines.map((line) => line.split(" ")[1]).join(" ")), [
    "0 1 1 0.7 1",
    "1 2 2 0.7 2",
    "2 3 3 0.7 3",
  ]);
});

Deno.test("bind() gives the same series for the same values, whatever their order, and never for others", () => {
  const routes = new CounterFamily(ROUTES, PARTS);

  const series = routes.bind({ method: "GET", endpoint: "/a" });

  assert.equal(routes.bind({ endpoint: "/a", method: "GET" }), series);
  assert.notEqual(routes.bind({ method: "GET/", endpoint: "a" }), series);
});

Deno.test("remove() takes a series off the page, and binding it again starts it anew", () => {
  const routes = new CounterFamily(ROUTES, PARTS);
  const labels = { method: "GET", endpoint: "/a" };
  routes.add(5, labels);

  routes.remove(labels);

  assert.deepEqual(samples(routes), []);
  routes.bind(labels);
  assert.deepEqual(samples(routes), ['x_total{method="GET",endpoint="/a"} 0']);
});

Deno.test("clear() takes every series off the page, the one for the rest too", () => {
  const routes = new CounterFamily(ROUTES, PARTS);
  for (const endpoint of ["/a", "/b", "/c"]) routes.bind({ method: "GET", endpoint });

  routes.clear();

  assert.deepEqual(samples(routes), []);
});

Deno.test("bind() counts label sets beyond the cap under `other` and says so each time", () => {
  let rejected = 0;
  const routes = new CounterFamily(ROUTES, { ...PARTS, onRejected: () => rejected++ });

  for (const endpoint of ["/a", "/b", "/c", "/d", "/a"]) {
    routes.bind({ method: "GET", endpoint }).add();
  }

  assert.deepEqual(samples(routes), [
    'x_total{method="GET",endpoint="/a"} 2',
    'x_total{method="GET",endpoint="/b"} 1',
    'x_total{method="other",endpoint="other"} 2',
  ]);
  assert.equal(rejected, 2);
});

Deno.test("a counter's series adds 1 or an amount, and nothing that is not above 0", () => {
  const series = new CounterSeries(RESULTS, {}, 0);

  series.add();
  for (const amount of [2.5, 0, -1, NaN]) series.add(amount);

  assert.equal(series.value, 3.5);
});

Deno.test("a gauge's series keeps what was recorded last, below 0 too", () => {
  const series = new GaugeSeries(AGE, {}, 0);

  series.record(3);
  series.record(-2);

  assert.equal(series.text(), "age_seconds -2\n");
});

Deno.test("a histogram's series counts a value in the first bucket whose bound is not below it", () => {
  const series = new HistogramSeries(TIME, {}, () => 0);

  for (const value of [0, 0.5, 0.51, 1, 7, Infinity, -1, NaN]) series.record(value);

  assert.deepEqual(series.counts, [2, 2, 2]);
  assert.equal(
    series.text("text"),
    'x_seconds_bucket{le="0.5"} 2\nx_seconds_bucket{le="1.0"} 4\nx_seconds_bucket{le="+Inf"} 6\n' +
      "x_seconds_sum +Inf\nx_seconds_count 6\n",
  );
});

const SPAN = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };
const UNSAMPLED = { ...SPAN, traceFlags: 0 };
const EXEMPLAR = ` # {trace_id="${SPAN.traceId}",span_id="${SPAN.spanId}"}`;

Deno.test("a histogram's series shows in OpenMetrics the last sampled observation of each bucket, with its time", () => {
  let nowMs = 0;
  const series = new HistogramSeries(TIME, {}, () => nowMs);

  for (const [value, atMs] of [[0.25, 1_000], [0.375, 2_500], [7, 3_001]] as const) {
    nowMs = atMs;
    series.record(value, SPAN);
  }
  series.record(0.125);
  series.record(0.75, UNSAMPLED);

  assert.equal(
    series.text("openmetrics"),
    `x_seconds_bucket{le="0.5"} 3${EXEMPLAR} 0.375 2.5\nx_seconds_bucket{le="1.0"} 4\n` +
      `x_seconds_bucket{le="+Inf"} 5${EXEMPLAR} 7 3.001\nx_seconds_sum 8.5\nx_seconds_count 5\n`,
  );
});

Deno.test("a histogram's series shows no exemplar in Prometheus's text format, which has none", () => {
  const series = new HistogramSeries(TIME, {}, () => 0);

  series.record(0.2, SPAN);

  assert.equal(series.text("text").includes("#"), false);
});

Deno.test("HistogramFamily takes the exemplar from the span of a measurement's context", () => {
  const times = new HistogramFamily(TIME, PARTS);

  times.record(0.7, {}, trace.setSpanContext(ROOT_CONTEXT, SPAN));
  times.record(0.2, {}, ROOT_CONTEXT);

  assert.match(times.text("openmetrics"), /le="0\.5"\} 1\n.*le="1\.0"\} 2 # \{trace_id="4bf9.*\} 0\.7 0\n/);
});

Deno.test("HistogramFamily forgets the exemplars of a series that is removed", () => {
  const times = new HistogramFamily(TIME, PARTS);
  times.bind().record(0.2, SPAN);

  times.remove();
  times.bind().record(0.2);

  assert.equal(times.text("openmetrics").includes("trace_id"), false);
});
