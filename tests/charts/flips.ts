import type { ChartName } from "../../docs/generate/charts/schema.ts";
import { at, type Leaf, otherThan, over, valueAt } from "./leaves.ts";
import type { Values } from "./render.ts";
import { LEAST } from "./samples.ts";

type Context = readonly [prefix: string, values: Values];

const IN_BOTH: readonly Context[] = [
  ["extraVolumeMounts", { extraVolumes: [{ name: "extra", emptyDir: {} }] }],
  ["metrics.bearerToken.existingSecretKey", { metrics: { bearerToken: { existingSecret: "scrape" } } }],
  ["metrics.dashboards.", { metrics: { dashboards: { enabled: true } } }],
  ["metrics.prometheusRule.", { metrics: { prometheusRule: { enabled: true } } }],
  ["metrics.podMonitor.", { metrics: { podMonitor: { enabled: true } } }],
  ["metrics.serviceMonitor.", { metrics: { serviceMonitor: { enabled: true } } }],
  ["networkPolicy.", { networkPolicy: { enabled: true } }],
  [
    "networkPolicy.otlpTo",
    { networkPolicy: { egress: [{ ports: [{ port: 443 }] }] }, otlp: { endpoint: "https://otlp.example" } },
  ],
  ...["dns", "database", "apiServer", "broker"].map((whom): Context => [
    `networkPolicy.${whom}`,
    { networkPolicy: { restrictEgress: true } },
  ]),
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
    ["networkPolicy.database", { postgresql: { existingSecret: "database" } }],
    ["networkPolicy.metricsFrom", { metrics: { port: 9090 } }],
    ["podDisruptionBudget.", { podDisruptionBudget: { enabled: true } }],
    ["postgresql.existingSecretKey", { postgresql: { existingSecret: "database" } }],
    ["strategy", { postgresql: { existingSecret: "database" } }],
    ["tls.", { tls: { existingSecret: "tls" } }],
    ["metrics.podMonitor.tlsConfig", { tls: { existingSecret: "tls" } }],
    ["metrics.serviceMonitor.tlsConfig", { tls: { existingSecret: "tls" } }],
    ["service.", { service: { type: "LoadBalancer" } }],
    ["postgresql.external.", { postgresql: { external: { host: "here.example" } } }],
  ],
  "brokkr-agent": [
    ...IN_BOTH,
    ["broker.ca.key", { broker: { ca: { existingConfigMap: "authorities" } } }],
    ["broker.clientCertificate.", { broker: { clientCertificate: { existingSecret: "certificate" } } }],
    ["broker.pak", { broker: { existingSecret: "", pak: "one" } }],
    ["rbac.impersonateGenerators", { broker: { generatorIds: ["6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a001"] } }],
    ["strategy", { replicaCount: 2 }],
    ["rbac.namespaces", { rbac: { clusterWide: false } }],
  ],
};

/** Values in which a leaf matters, and the same with another value of it, as JSON. */
export function flipOf(chart: ChartName, leaf: Leaf): readonly [base: string, flipped: string] {
  const contexts = CONTEXTS[chart].filter(([prefix]) => leaf.path.startsWith(prefix)).map(([, values]) => values);
  const values = contexts.reduce(over, over({ nameOverride: chart }, LEAST[chart]));
  const other = otherThan(valueAt(values, leaf), leaf);
  return [JSON.stringify(values), JSON.stringify(over(values, at(leaf.path, other)))];
}
