import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { at, type Leaf, otherThan, over, schemaParts, valueAt } from "./leaves.ts";
import { template, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

const AT_ONCE = 3;
const CHART_NAMES = Object.keys(CHARTS) as ChartName[];

type Context = readonly [prefix: string, values: Values];

const IN_BOTH: readonly Context[] = [
  ["metrics.bearerToken.existingSecretKey", { metrics: { bearerToken: { existingSecret: "scrape" } } }],
  ["metrics.dashboards.", { metrics: { dashboards: { enabled: true } } }],
  ["metrics.prometheusRule.", { metrics: { prometheusRule: { enabled: true } } }],
  ["metrics.serviceMonitor.", { metrics: { serviceMonitor: { enabled: true } } }],
  ["networkPolicy.", { networkPolicy: { enabled: true } }],
  [
    "networkPolicy.otlpTo",
    { networkPolicy: { egress: [{ ports: [{ port: 443 }] }] }, otlp: { endpoint: "https://otlp.example" } },
  ],
  ["otlp.headers.", { otlp: { headers: { existingSecret: "headers" } } }],
  ["otlp.ca.key", { otlp: { ca: { existingConfigMap: "authorities" } } }],
  ["otlp.clientCertificate.", { otlp: { clientCertificate: { existingSecret: "certificate" } } }],
];

/** What values need beside them to matter, by the beginning of their paths. */
const CONTEXTS: Readonly<Record<ChartName, readonly Context[]>> = {
  "brokkr-broker": [
    ...IN_BOTH,
    ["autoscaling.", { postgresql: { existingSecret: "database" }, autoscaling: { enabled: true } }],
    ["broker.pakHashExistingSecretKey", { broker: { pakHashExistingSecret: "admin" } }],
    ["httpRoute.", { httpRoute: { enabled: true, parentRefs: [{ name: "any" }] } }],
    ["ingress.", { ingress: { enabled: true } }],
    ["networkPolicy.metricsFrom", { metrics: { port: 9090 } }],
    ["podDisruptionBudget.", { podDisruptionBudget: { enabled: true } }],
    ["postgresql.existingSecretKey", { postgresql: { existingSecret: "database" } }],
    ["tls.", { tls: { existingSecret: "tls" } }],
    ["metrics.serviceMonitor.tlsConfig", { tls: { existingSecret: "tls" } }],
    ["postgresql.external.", { postgresql: { external: { host: "here.example" } } }],
  ],
  "brokkr-agent": [
    ...IN_BOTH,
    ["broker.ca.key", { broker: { ca: { existingConfigMap: "authorities" } } }],
    ["broker.clientCertificate.", { broker: { clientCertificate: { existingSecret: "certificate" } } }],
    ["broker.pak", { broker: { existingSecret: "", pak: "one" } }],
    ["rbac.impersonateGenerators", { broker: { generatorIds: ["6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a001"] } }],
    ["rbac.namespaces", { rbac: { clusterWide: false } }],
  ],
};

for (const chart of CHART_NAMES) {
  testWith("helm", `chart ${chart}: every value changes what is rendered`, async () => {
    const { leaves } = await schemaParts(chart);

    const idle = await filtered(leaves, async (leaf) => !await changesRender(chart, leaf));

    assert.ok(leaves.length > 50, "the schema must be read");
    assert.deepEqual(idle.map(({ path }) => path), []);
  });

  testWith("helm", `chart ${chart} refuses an unknown value, wherever it is`, async () => {
    const { groups } = await schemaParts(chart);

    const open = await filtered(
      groups,
      async ({ path }) => !await refuses(chart, `${path}.surplus`.replace(/^\./, "")),
    );

    assert.deepEqual(open.map(({ path }) => path), []);
  });

  Deno.test(`chart ${chart}: every value has a sentence that says what it is`, async () => {
    const { groups, leaves } = await schemaParts(chart);

    const silent = [...groups.slice(1), ...leaves].filter(({ schema }) => !/\w.*\.$/.test(schema.description ?? ""));

    assert.deepEqual(silent.map(({ path }) => path), []);
  });
}

async function changesRender(chart: ChartName, leaf: Leaf): Promise<boolean> {
  const contexts = CONTEXTS[chart].filter(([prefix]) => leaf.path.startsWith(prefix)).map(([, values]) => values);
  const values = contexts.reduce(over, LEAST[chart]);
  const other = otherThan(valueAt(values, leaf), leaf);
  return await rendered(chart, values) !== await rendered(chart, over(values, at(leaf.path, other)));
}

async function rendered(chart: ChartName, values: Values): Promise<string> {
  const { code, stdout, stderr } = await template(chart, values);
  assert.equal(code, 0, `${JSON.stringify(values)}: ${stderr}`);
  return stdout;
}

async function refuses(chart: ChartName, path: string): Promise<boolean> {
  const { code, stderr } = await template(chart, over(LEAST[chart], at(path, 1)));
  return code !== 0 && stderr.includes("'surplus' not allowed");
}

/** Those for which `isSo`, asked a few at a time. */
async function filtered<T>(all: readonly T[], isSo: (one: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = [];
  const rest = [...all];
  const work = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) if (await isSo(one)) kept.push(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return kept;
}
