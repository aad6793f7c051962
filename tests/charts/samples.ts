import type { ChartName } from "../../docs/generate/charts/schema.ts";
import type { Values } from "./render.ts";

/** A way to install a chart, kept as a golden render. */
export interface Sample {
  readonly chart: ChartName;
  readonly values: Values;
}

/** The least that the agent's chart has to be told. */
export const AGENT_VALUES = {
  broker: { url: "https://broker.example", agentName: "edge-1", clusterName: "berlin", existingSecret: "brokkr-key" },
};

/** The least that each chart has to be told. */
export const LEAST: Readonly<Record<ChartName, Values>> = { "brokkr-broker": {}, "brokkr-agent": AGENT_VALUES };

const MONITORED = {
  enabled: true,
  serviceMonitor: { enabled: true, scrapeTimeout: "10s", additionalLabels: { release: "prometheus" } },
  prometheusRule: { enabled: true, additionalLabels: { release: "prometheus" } },
  dashboards: { enabled: true, annotations: { grafana_folder: "Brokkr" } },
};
const SCRAPED_APART = { ...MONITORED, port: 9090, bearerToken: { existingSecret: "scrape" } };
/** Without Services between, into the namespace of who scrapes. */
const SCRAPED_AS_PODS = {
  ...SCRAPED_APART,
  serviceMonitor: { enabled: false },
  podMonitor: { enabled: true, namespace: "monitoring", honorLabels: true },
  prometheusRule: { enabled: true, namespace: "monitoring", additionalRuleLabels: { team: "platform" } },
};
/** What a platform team wants of every chart. */
const OF_THE_PLATFORM = {
  global: { imageRegistry: "mirror.example", imagePullSecrets: ["pull"] },
  commonLabels: { "example.com/cost-centre": "42" },
  commonAnnotations: { "example.com/owner": "platform" },
  serviceAccount: { labels: { "example.com/identity": "used" } },
  runtimeClassName: "gvisor",
  hostAliases: [{ ip: "10.0.0.1", hostnames: ["db.example"] }],
  dnsConfig: { options: [{ name: "ndots", value: "2" }] },
  extraObjects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "{{ .Release.Name }}-more" } }],
};

const SENT = {
  endpoint: "http://collector.observability:4318",
  metricsIntervalSeconds: 30,
  metricsTemporality: "delta",
  headers: { existingSecret: "otlp-headers" },
  ca: { existingConfigMap: "receiver-ca" },
  clientCertificate: { existingSecret: "otlp-tls" },
};

/** Every sample by the name of its golden render. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
  "broker-evaluation": { chart: "brokkr-broker", values: {} },
  "broker-production": {
    chart: "brokkr-broker",
    values: {
      postgresql: {
        external: { host: "db.example", username: "brokkr@db", password: "p@ss word+/", sslMode: "require" },
      },
      broker: { logLevel: "warn", pakHash: "a".repeat(64) },
      autoscaling: { enabled: true, targetMemoryUtilizationPercentage: 75 },
      podDisruptionBudget: { enabled: true },
      networkPolicy: { enabled: true, apiFrom: [{ namespaceSelector: {} }], egress: [{ ports: [{ port: 5432 }] }] },
      ingress: { enabled: true, className: "nginx", tls: [{ secretName: "tls", hosts: ["brokkr.example"] }] },
      settings: { database: { pool_size: 20 }, broker: { max_body_bytes: 4_194_304 } },
      topologySpreadConstraints: [{
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { "app.kubernetes.io/name": "brokkr-broker" } },
      }],
      priorityClassName: "system-cluster-critical",
      metrics: MONITORED,
      otlp: SENT,
    },
  },
  "broker-own-secrets": {
    chart: "brokkr-broker",
    values: {
      replicaCount: 2,
      postgresql: { existingSecret: "brokkr-database" },
      broker: { pakHashExistingSecret: "brokkr-admin" },
      httpRoute: { enabled: true, parentRefs: [{ name: "gateway" }], hostnames: ["brokkr.example"] },
      networkPolicy: { enabled: true },
      extraEnv: [{ name: "BROKKR__DATA_DIR", value: "/other" }, { name: "BROKKR__LOG__FORMAT", value: "json" }],
      extraVolumes: [{ name: "other", emptyDir: {} }],
      extraVolumeMounts: [{ name: "other", mountPath: "/other" }],
      serviceAccount: { create: false },
      tls: { existingSecret: "brokkr-tls", clientCaKey: "ca.crt" },
      metrics: SCRAPED_APART,
    },
  },
  "broker-on-a-platform": {
    chart: "brokkr-broker",
    values: {
      ...OF_THE_PLATFORM,
      postgresql: { existingSecret: "brokkr-database" },
      autoscaling: { enabled: true, behavior: { scaleDown: { stabilizationWindowSeconds: 600 } } },
      service: {
        type: "LoadBalancer",
        loadBalancerClass: "example.com/internal",
        loadBalancerSourceRanges: ["10.0.0.0/8"],
        externalTrafficPolicy: "Local",
        ipFamilyPolicy: "PreferDualStack",
      },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "50%", maxUnavailable: 0 } },
      networkPolicy: { enabled: true, restrictEgress: true, databasePorts: [6432] },
      otlp: { endpoint: "http://collector.observability:4318" },
      metrics: SCRAPED_AS_PODS,
    },
  },
  "broker-unmetered": {
    chart: "brokkr-broker",
    values: {
      persistence: { enabled: false },
      networkPolicy: { enabled: true },
      metrics: { ...SCRAPED_APART, enabled: false },
    },
  },
  "agent-least": { chart: "brokkr-agent", values: AGENT_VALUES },
  "agent-monitored": {
    chart: "brokkr-agent",
    values: {
      broker: {
        url: "http://brokkr-broker.brokkr:3000",
        agentName: "edge-1",
        clusterName: "berlin",
        pak: "brokkr_BRkey",
        generatorIds: ["6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a001", "6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a002"],
      },
      settings: { agent: { allow_insecure_broker: true } },
      networkPolicy: { enabled: true },
      rbac: { manageRoles: true },
      metrics: MONITORED,
    },
  },
  "agent-impersonating": {
    chart: "brokkr-agent",
    values: {
      broker: {
        ...AGENT_VALUES.broker,
        ca: { existingConfigMap: "broker-ca" },
        clientCertificate: { existingSecret: "edge-1-tls" },
        generatorIds: "6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a001, 6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a002",
      },
      rbac: { impersonateGenerators: true, manageRoles: true },
      networkPolicy: {
        enabled: true,
        egress: [{ ports: [{ port: 443 }] }],
        otlpTo: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "observability" } } }],
      },
      otlp: {
        ...SENT,
        metricsEndpoint: "https://otlp.example/v1/metrics",
        tracesEndpoint: "https://otlp.example:8443/v1/traces",
        logs: true,
      },
      tracing: { enabled: true, sampleRatio: 0.01 },
    },
  },
  "agent-narrow": {
    chart: "brokkr-agent",
    values: {
      broker: { ...AGENT_VALUES.broker, ca: { existingSecret: "broker-ca", key: "authorities.crt" } },
      settings: { agent: { watch_namespace: "shop" } },
      rbac: {
        clusterWide: false,
        namespaces: ["shop", "shop-test"],
        additionalRules: [{
          apiGroups: ["example.com"],
          resources: ["widgets"],
          verbs: ["get", "list", "create", "patch", "delete"],
        }],
      },
      metrics: SCRAPED_APART,
    },
  },
  "agent-on-a-platform": {
    chart: "brokkr-agent",
    values: {
      ...OF_THE_PLATFORM,
      ...AGENT_VALUES,
      replicaCount: 2,
      service: { ipFamilyPolicy: "PreferDualStack" },
      networkPolicy: { enabled: true, restrictEgress: true },
      otlp: { endpoint: "broker" },
      metrics: SCRAPED_AS_PODS,
    },
  },
  "agent-unmetered": {
    chart: "brokkr-agent",
    values: {
      ...AGENT_VALUES,
      rbac: { create: false },
      networkPolicy: { enabled: true },
      metrics: { ...SCRAPED_APART, enabled: false },
    },
  },
};
