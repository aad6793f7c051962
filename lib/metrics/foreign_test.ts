import assert from "node:assert/strict";
import { counter, histogram } from "$lib/metrics.ts";
import { type Foreign, ForeignPage } from "$lib/metrics/foreign.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";

const OWN = [
  histogram({ name: "brokkr_time_seconds", help: "T.", unit: "s", buckets: [1] }),
  counter({ name: "brokkr_requests_total", help: "R." }),
];

function gauge(name: string, attributes: Readonly<Record<string, unknown>> = {}): Foreign {
  return { name, help: "", unit: "", type: "gauge", points: [{ attributes, value: 99 }] };
}

function timed(name: string): Foreign {
  const points = [{ attributes: {}, histogram: { bounds: [1], counts: [99, 0], sum: 99 } }];
  return { name, help: "", unit: "", type: "histogram", points };
}

/** The samples of a page that has these, in their order. */
function samplesOf(...metrics: readonly Foreign[]): readonly string[] {
  const text = new ForeignPage(silentLog()).text(metrics, { format: "openmetrics", own: OWN });
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

Deno.test("text() leaves out a metric by whose name another one has samples, whichever comes first", () => {
  for (const suffix of ["bucket", "sum", "count"]) {
    assert.deepEqual(samplesOf(gauge(`brokkr.time.seconds.${suffix}`)), [], suffix);
    assert.equal(samplesOf(timed("a"), gauge(`a.${suffix}`)).length, samplesOf(timed("a")).length, suffix);
    assert.deepEqual(samplesOf(gauge(`a.${suffix}`), timed("a")), [`a_${suffix} 99`], suffix);
  }
  assert.deepEqual(samplesOf(gauge("brokkr.requests"), gauge("brokkr.time.seconds")), []);
  assert.deepEqual(samplesOf(gauge("a.count"), gauge("a")), ["a_count 99", "a 99"]);
});

Deno.test("text() writes a label that Prometheus takes, whatever an attribute is called", () => {
  assert.deepEqual(samplesOf(gauge("a", { "": "x", "ü": "y", "1": "z" })), ['a{_1="z",_="x;y"} 99']);
});
