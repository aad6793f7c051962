import assert from "node:assert/strict";
import { formatTraceparent } from "$lib/traceparent.ts";
import { startCollector } from "../collector/collector.ts";
import { type PrometheusMajor, startPrometheus } from "../prometheus/prometheus.ts";
import { testWith } from "../run/parts.ts";
import { scrapeConfig } from "./scrape_config.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = formatTraceparent({ traceId: TRACE_ID, spanId: "00f067aa0ba902b7", traceFlags: 1 });
const VERSIONS: readonly PrometheusMajor[] = [2, 3];
const HISTOGRAMS = {
  brokkr_http_request_duration_seconds: "server",
  brokkr_database_query_duration_seconds: "client",
};

testWith(["prometheus", "collector"], "Prometheus leads from a histogram to the trace of a request", async (test) => {
  await using collector = await startCollector();
  await using world = await openWorld({
    parts: [],
    brokerSettings: { OTLP__TRACES_ENDPOINT: `${collector.url}/v1/traces` },
    startsAgent: false,
  });
  const { url } = world.broker;

  const asked = { headers: { authorization: world.adminPak, traceparent: TRACEPARENT } };
  assert.equal((await fetch(`${url}/api/v1/stacks`, asked)).status, 200);

  const spans = await eventually("the spans are there", async () => {
    const found = (await collector.spans()).filter(({ traceId }) => traceId === TRACE_ID);
    return found.some(({ kind }) => kind === "server") && found;
  });
  for (const version of VERSIONS) {
    await test.step(`version ${version}`, async () => {
      const config = scrapeConfig([{ job: "broker", url }], { interval: "1s" });
      const flags = ["--enable-feature=exemplar-storage"];
      await using prometheus = await startPrometheus({ version, config, flags });
      for (const [histogram, kind] of Object.entries(HISTOGRAMS)) {
        const [exemplar] = await eventually(`${histogram} has an exemplar`, async () => {
          const found = await prometheus.exemplars(`${histogram}_bucket`);
          return found.length > 0 && found;
        });
        const span = spans.find(({ spanId }) => spanId === exemplar?.labels["span_id"]);
        assert.deepEqual([exemplar?.labels["trace_id"], span?.kind], [TRACE_ID, kind]);
      }
    });
  }
});
