import assert from "node:assert/strict";
import {
  type Attributes,
  type Counter,
  type Gauge,
  type Histogram,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { bound, counter, createRegistry, forget, gauge, histogram } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";

const METRICS = {
  requests: counter({ name: "brokkr_requests_total", help: "R.", labels: { status: "text", result: ["ok", "bad"] } }),
  stacks: gauge({ name: "brokkr_stacks_total", help: "S." }),
  time: histogram({ name: "brokkr_time_seconds", help: "T.", unit: "s", labels: { stage: ["a"] }, buckets: [0.5, 1] }),
};

function start() {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  const page = registry.page ?? assert.fail("there is no page");
  return {
    registry,
    ...registry.register(METRICS),
    own: registry.meterProvider.getMeter("brokkr"),
    others: registry.meterProvider.getMeter("others"),
    /** The samples of one name. */
    samples: async (name: string) => (await page("text")).split("\n").filter((line) => line.startsWith(name)),
  };
}

Deno.test("register() gives instruments of the API's types, which a door takes like anybody's", () => {
  const { requests, stacks, time } = start();
  const meter = new MeterProvider().getMeter("others");

  const doors: { counter: Counter; gauge: Gauge; histogram: Histogram<{ stage: "a" }> }[] = [
    { counter: requests, gauge: stacks, histogram: time },
    { counter: meter.createCounter("c"), gauge: meter.createGauge("g"), histogram: meter.createHistogram("h") },
  ];

  for (const { counter, gauge, histogram } of doors) {
    bound(counter, { status: "200", result: "ok" }).add();
    bound(gauge, {}).record(1);
    bound(histogram, { stage: "a" }).record(1);
  }
});

Deno.test("bound() hands the span of an observation to somebody else's instrument in a context", () => {
  const seen: (SpanContext | undefined)[] = [];
  const foreign = {
    record: (_value: number, _attributes?: Attributes, context = ROOT_CONTEXT) => {
      seen.push(trace.getSpanContext(context));
    },
  };
  const span = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };

  const time = bound(foreign, {});
  time.record(1, span);
  time.record(1);

  assert.deepEqual(seen, [span, undefined]);
});

Deno.test("the scope brokkr gives what is declared, as it is declared, and refuses every other name", async () => {
  const { own: meter, samples } = start();

  meter.createCounter("brokkr_requests_total").add(2, { status: "200", result: "ok" });
  meter.createGauge("brokkr_stacks_total").record(3);
  meter.createHistogram("brokkr_time_seconds", { advice: { explicitBucketBoundaries: [7] } }).record(0.7, {
    stage: "a",
  });

  assert.deepEqual(await samples("brokkr_requests"), ['brokkr_requests_total{status="200",result="ok"} 2']);
  assert.deepEqual(await samples("brokkr_stacks"), ["brokkr_stacks_total 3"]);
  assert.deepEqual(await samples("brokkr_time_seconds_bucket"), [
    'brokkr_time_seconds_bucket{stage="a",le="0.5"} 0',
    'brokkr_time_seconds_bucket{stage="a",le="1.0"} 1',
    'brokkr_time_seconds_bucket{stage="a",le="+Inf"} 1',
  ]);
  assert.throws(() => meter.createHistogram("brokkr_else_seconds"), /"brokkr_else_seconds": .* declares none/);
  assert.throws(() => meter.createGauge("brokkr_requests_total"), /the gauge "brokkr_requests_total"/);
  assert.throws(() => meter.createUpDownCounter("brokkr_requests_total"), /the up-down counter/);
  assert.throws(() => meter.createObservableGauge("brokkr_stacks_total"), /the observable gauge/);
});

Deno.test("an attribute that is no label is left out, and what is no value of a closed label counts under other", async () => {
  const { own, samples } = start();
  const counter = own.createCounter("brokkr_requests_total");

  counter.add(1, { status: 200, result: "maybe", user: "eve" });
  counter.add(1, { status: "200", user: "bob" });
  counter.add(1);

  assert.deepEqual(await samples("brokkr_requests"), [
    'brokkr_requests_total{status="200",result="other"} 2',
    'brokkr_requests_total{status="",result="other"} 1',
  ]);
});

Deno.test("forget() takes the series of an instrument off the page, and leaves one of somebody else's as it is", async () => {
  const { requests, stacks, others, samples } = start();
  const theirs = others.createCounter("theirs");
  for (const status of ["200", "500"]) requests.add(1, { status, result: "ok" });
  stacks.record(1);
  theirs.add(1);

  forget(requests, { status: "500", result: "ok" });
  forget(stacks);
  forget(theirs);

  assert.deepEqual(await samples("brokkr_requests"), ['brokkr_requests_total{status="200",result="ok"} 1']);
  assert.deepEqual(await samples("brokkr_stacks"), []);
  assert.deepEqual(await samples("theirs"), ["theirs_total 1"]);
});
