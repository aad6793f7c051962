import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import { render, template, the, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

const CHART_NAMES = Object.keys(CHARTS) as ChartName[];
const EGRESS = [{ ports: [{ port: 5432 }] }];
const PEERS = [{ ipBlock: { cidr: "10.0.0.0/8" } }];

function monitored(serviceMonitor: Values): Values {
  return { metrics: { serviceMonitor: { enabled: true, ...serviceMonitor } } };
}

/** What the chart says against these values; empty where it takes them. */
async function faultOf(chart: ChartName, values: Values): Promise<string> {
  const { code, stderr } = await template(chart, over(LEAST[chart], values));
  return code === 0 ? "" : stderr;
}

async function egressOf(chart: ChartName, otlp: Values, networkPolicy: Values = { egress: EGRESS }): Promise<unknown> {
  const values = { networkPolicy: { enabled: true, ...networkPolicy }, otlp };
  return the(await render(chart, over(LEAST[chart], values)), "NetworkPolicy").spec.egress;
}

for (const chart of CHART_NAMES) {
  testWith(
    "helm",
    `chart ${chart}: the times of a ServiceMonitor are durations of Prometheus, and nothing else`,
    async () => {
      const good = ["30s", "1m30s", "500ms", "1h", "0"].map((interval) => monitored({ interval }));
      const bad = ["", "30", "soon", "1.5s", "s30", "30 s", "30s1m", "-5s", 30].map((interval) =>
        monitored({ interval })
      );
      const timeouts = ["10", "never", 10].map((scrapeTimeout) => monitored({ scrapeTimeout }));

      for (const values of good) assert.equal(await faultOf(chart, values), "", JSON.stringify(values));
      for (const values of [...bad, ...timeouts]) {
        assert.match(await faultOf(chart, values), /(interval|scrapeTimeout)'/, JSON.stringify(values));
      }
    },
  );

  testWith("helm", `chart ${chart}: a timeout of scrapes is not longer than their interval`, async () => {
    for (const [interval, scrapeTimeout] of [["1m", "60s"], ["1m30s", "89s"], ["1s", "999ms"], ["30s", ""]]) {
      assert.equal(await faultOf(chart, monitored({ interval, scrapeTimeout })), "");
    }
    for (const [interval, scrapeTimeout] of [["30s", "31s"], ["1m", "1m1ms"], ["90s", "1m31s"]]) {
      assert.match(await faultOf(chart, monitored({ interval, scrapeTimeout })), /is longer than/);
    }
  });

  testWith(
    "helm",
    `chart ${chart}: ways out that are limited lead to the receiver, by its endpoint's port`,
    async () => {
      const ports = (...ports: number[]) => ({ ports: ports.map((port) => ({ port, protocol: "TCP" })) });

      assert.deepEqual(await egressOf(chart, {}), EGRESS);
      assert.deepEqual(await egressOf(chart, { endpoint: "http://c:4318" }), [...EGRESS, ports(4318)]);
      assert.deepEqual(await egressOf(chart, { endpoint: "https://c/in" }), [...EGRESS, ports(443)]);
      assert.deepEqual(await egressOf(chart, { endpoint: "http://[fd00::1]" }), [...EGRESS, ports(80)]);
      assert.deepEqual(await egressOf(chart, { endpoint: "http://c:4318", metricsEndpoint: "https://m/x" }), [
        ...EGRESS,
        ports(4318, 443),
      ]);
      assert.deepEqual(await egressOf(chart, { endpoint: "https://c", metricsEndpoint: "https://m" }), [
        ...EGRESS,
        ports(443),
      ]);
      assert.deepEqual(await egressOf(chart, { tracesEndpoint: "https://t:1", logsEndpoint: "https://l:2" }), [
        ...EGRESS,
        ports(1, 2),
      ]);
      assert.deepEqual(await egressOf(chart, { endpoint: "https://c" }, { egress: EGRESS, otlpTo: PEERS }), [
        ...EGRESS,
        { ...ports(443), to: PEERS },
      ]);
    },
  );

  testWith("helm", `chart ${chart}: they lead to the endpoint that only \`settings\` have, too`, async () => {
    const settings = { metrics: { otlp_endpoint: "http://c:4318" } };
    const values = over(LEAST[chart], { networkPolicy: { enabled: true, egress: EGRESS }, settings });

    const { egress } = the(await render(chart, values), "NetworkPolicy").spec;

    assert.deepEqual(egress, [...EGRESS, { ports: [{ port: 4318, protocol: "TCP" }] }]);
    for (const name of ["endpoint", "metrics_endpoint", "traces_endpoint", "logs_endpoint"]) {
      assert.match(await faultOf(chart, { settings: { otlp: { [name]: "http://c:4318" } } }), /not allowed/, name);
    }
  });

  testWith("helm", `chart ${chart}: ways out that are not limited stay so, whatever is sent`, async () => {
    assert.equal(await egressOf(chart, { endpoint: "https://c" }, { otlpTo: PEERS }), undefined);
  });

  testWith("helm", `chart ${chart}: an endpoint of metrics wants metrics`, async () => {
    const off = { metrics: { enabled: false } };

    assert.match(
      await faultOf(chart, { ...off, otlp: { metricsEndpoint: "https://c" } }),
      /otlp.metricsEndpoint needs metrics.enabled/,
    );
    assert.equal(await faultOf(chart, { ...off, otlp: { endpoint: "https://c", metricsEndpoint: "none" } }), "");
  });
}
