import assert from "node:assert/strict";
import { counter, gauge, histogram } from "$lib/metrics/declaration.ts";
import { CounterSeries, GaugeSeries, HistogramSeries, SeriesFamily } from "$lib/metrics/families.ts";

const RESULTS = counter({ name: "x_total", help: "X.", labels: { result: ["success", "error"] } });
const ROUTES = counter({ name: "x_total", help: "X.", labels: { method: ["GET"], endpoint: "text" }, maxSeries: 2 });
const AGE = gauge({ name: "age_seconds", help: "Age." });
const TIME = histogram({ name: "x_seconds", help: "X.", unit: "s", buckets: [0.5, 1] });

function family(declaration: typeof RESULTS | typeof ROUTES | typeof AGE | typeof TIME, onRejected = () => {}) {
  return new SeriesFamily(declaration, onRejected);
}

function samples(of: SeriesFamily): string[] {
  return of.text("text").split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

Deno.test("SeriesFamily starts closed label sets of a counter and a histogram at 0", () => {
  assert.deepEqual(samples(family(RESULTS)), ['x_total{result="success"} 0', 'x_total{result="error"} 0']);
  assert.deepEqual(samples(family(TIME)), [
    'x_seconds_bucket{le="0.5"} 0',
    'x_seconds_bucket{le="1.0"} 0',
    'x_seconds_bucket{le="+Inf"} 0',
    "x_seconds_sum 0",
    "x_seconds_count 0",
  ]);
});

Deno.test("SeriesFamily leaves a family out of the page until it has a sample", () => {
  assert.equal(family(ROUTES).text("text"), "");
  assert.equal(family(AGE).text("text"), "");
});

Deno.test("SeriesFamily shows a gauge from the start where it declares a first value", () => {
  const declaration = gauge({ name: "up", help: "Up.", labels: { side: ["a", "b"] }, initial: 0 });

  assert.deepEqual(samples(new SeriesFamily(declaration, () => {})), ['up{side="a"} 0', 'up{side="b"} 0']);
});

Deno.test("SeriesFamily does not show a gauge that is bound but not set", () => {
  const ages = family(AGE);

  ages.bind();

  assert.deepEqual([ages.text("text"), ages.series()], ["", []]);
});

Deno.test("a histogram's text says each observation, one of 0 as well", () => {
  const times = family(TIME);
  const cell = times.bind() as HistogramSeries;

  const counts = [0.7, 0, 0].map((value) => {
    samples(times);
    cell.record(value);
    return samples(times);
  });

  assert.deepEqual(counts.map((lines) => lines.map((line) => line.split(" ")[1]).join(" ")), [
    "0 1 1 0.7 1",
    "1 2 2 0.7 2",
    "2 3 3 0.7 3",
  ]);
});

Deno.test("bind() gives the same cell for the same values, whatever their order, and never for others", () => {
  const routes = family(ROUTES);

  const cell = routes.bind({ method: "GET", endpoint: "/a" });

  assert.equal(routes.bind({ endpoint: "/a", method: "GET" }), cell);
  assert.notEqual(routes.bind({ method: "GET/", endpoint: "a" }), cell);
});

Deno.test("remove() takes a series off the page, and binding it again starts it anew", () => {
  const routes = family(ROUTES);
  const labels = { method: "GET", endpoint: "/a" };
  (routes.bind(labels) as CounterSeries).add(5);

  routes.remove(labels);

  assert.deepEqual(samples(routes), []);
  routes.bind(labels);
  assert.deepEqual(samples(routes), ['x_total{method="GET",endpoint="/a"} 0']);
});

Deno.test("clear() takes every series off the page, the one for the rest too", () => {
  const routes = family(ROUTES);
  for (const endpoint of ["/a", "/b", "/c"]) routes.bind({ method: "GET", endpoint });

  routes.clear();

  assert.deepEqual(samples(routes), []);
});

Deno.test("bind() counts label sets beyond the cap under `other` and says so each time", () => {
  let rejected = 0;
  const routes = family(ROUTES, () => rejected++);

  for (const endpoint of ["/a", "/b", "/c", "/d", "/a"]) {
    (routes.bind({ method: "GET", endpoint }) as CounterSeries).add();
  }

  assert.deepEqual(samples(routes), [
    'x_total{method="GET",endpoint="/a"} 2',
    'x_total{method="GET",endpoint="/b"} 1',
    'x_total{method="other",endpoint="other"} 2',
  ]);
  assert.equal(rejected, 2);
});

Deno.test("a counter's cell adds 1 or an amount, and nothing that is not above 0", () => {
  const cell = new CounterSeries(RESULTS, {});

  cell.add();
  for (const amount of [2.5, 0, -1, NaN]) cell.add(amount);

  assert.equal(cell.value, 3.5);
});

Deno.test("a gauge's cell keeps what was set last, below 0 too", () => {
  const cell = new GaugeSeries(AGE, {});

  cell.set(3);
  cell.set(-2);

  assert.equal(cell.text(), "age_seconds -2\n");
});

Deno.test("a histogram's cell counts a value in the first bucket whose bound is not below it", () => {
  const cell = new HistogramSeries(TIME, {});

  for (const value of [0, 0.5, 0.51, 1, 7, Infinity, -1, NaN]) cell.record(value);

  assert.deepEqual(cell.counts, [2, 2, 2]);
  assert.equal(
    cell.text(),
    'x_seconds_bucket{le="0.5"} 2\nx_seconds_bucket{le="1.0"} 4\nx_seconds_bucket{le="+Inf"} 6\n' +
      "x_seconds_sum +Inf\nx_seconds_count 6\n",
  );
});
