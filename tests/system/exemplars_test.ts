import { traceHeaders } from "$lib/traceparent.ts";
import { DeploymentObject } from "$lib/wire/stack.ts";
import { startCollector } from "../collector/collector.ts";
import { type PrometheusMajor, startPrometheus } from "../prometheus/prometheus.ts";
import { testWith } from "../run/parts.ts";
import { configMap } from "./bundles.ts";
import { scrapeConfig } from "./scrape_config.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const { traceparent: TRACEPARENT } = traceHeaders({ traceId: TRACE_ID, spanId: "00f067aa0ba902b7", traceFlags: 1 });
const VERSIONS: readonly PrometheusMajor[] = [2, 3];
const HISTOGRAMS = {
  brokkr_http_request_duration_seconds: "server",
  brokkr_database_query_duration_seconds: "client",
  brokkr_agent_reconcile_duration_seconds: "internal",
  brokkr_agent_kubernetes_operation_duration_seconds: "client",
};

testWith(["prometheus", "collector"], "Prometheus leads from a histogram to the trace of a request", async (test) => {
  await using collector = await startCollector();
  const settings = { OTLP__TRACES_ENDPOINT: `${collector.url}/v1/traces` };
  await using world = await openWorld({ parts: [], brokerSettings: settings, agentSettings: settings });
  const stackId = await world.addStack("web");

  const answer = await fetch(`${world.broker.url}/api/v1/stacks/${stackId}/deployment-objects`, {
    method: "POST",
    headers: { authorization: world.generatorPak, traceparent: TRACEPARENT, "content-type": "application/yaml" },
    body: configMap("page"),
  });
  await world.untilApplied(DeploymentObject.parse(await answer.json()));

  for (const version of VERSIONS) {
    await test.step(`version ${version}`, async () => {
      const pages = [{ job: "broker", url: world.broker.url }, { job: "agent", url: world.agent.url }];
      const config = scrapeConfig(pages, { interval: "1s" });
      const flags = ["--enable-feature=exemplar-storage"];
      await using prometheus = await startPrometheus({ version, config, flags });
      for (const [histogram, kind] of Object.entries(HISTOGRAMS)) {
        await eventually(`${histogram} leads to a span of the trace`, async () => {
          const spans = (await collector.spans()).filter(({ traceId }) => traceId === TRACE_ID);
          return (await prometheus.exemplars(`${histogram}_bucket`)).some(({ labels }) =>
            labels["trace_id"] === TRACE_ID &&
            spans.some((span) => span.spanId === labels["span_id"] && span.kind === kind)
          );
        });
      }
    });
  }
});
