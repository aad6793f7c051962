import { readTokenFile } from "$lib/token.ts";
import type { Clock } from "$lib/clock.ts";
import {
  certificatesOf,
  connectionFault,
  type ServerNames,
  UNUSABLE,
  unusablePart,
} from "$lib/http_client/connection_fault.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { createReplaceableClient, type HttpClientOptions } from "$lib/http_client.ts";
import { type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { proxyOf } from "$lib/http_client/proxy.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { BrokerRelay } from "$lib/telemetry/plan.ts";
import { VERSION } from "$lib/program/version.ts";
import { apiUrl, brokerClient, type BrokerClientParts, type OpenBrokerClient } from "./broker_client.ts";
import type { PodName } from "./kube/reading/own_pod.ts";
import type { AgentMetrics } from "./metrics.ts";
import type { AgentSettings } from "./settings.ts";

/** What the agent's ways to the broker and to its cluster are made of. */
export interface DoorParts {
  readonly settings: AgentSettings;
  /** The environment: proxies, and what the Kubernetes door reads of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How the broker is reached. */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Left out: none. */
  readonly tracing?: Tracing;
}

const BROKER: ServerNames = {
  server: "the broker",
  authority: "agent.broker_ca_file",
  address: "agent.broker_url",
  certificate: "agent.broker_client_cert_file and agent.broker_client_key_file",
};
const USER_AGENT = `brokkr-agent/${VERSION}`;
const DEFAULT_NAMESPACE = "default";

/** The broker that the settings name; asks it nothing. */
export function openBroker(
  { settings, env, fetch, clock, log, tracing }: DoorParts,
  listeners: Pick<BrokerClientParts, "connected" | "onExchange">,
): OpenBrokerClient {
  const url = settings["agent.broker_url"];
  const showsCertificate = settings["agent.broker_client_cert_file"] !== undefined;
  const http = createReplaceableClient({ to: "broker", options: () => brokerOptions(settings, env), clock, log });
  const client = brokerClient({
    ...{ fetch, http, url, tracing },
    userAgent: USER_AGENT,
    readPak: pakReader(settings),
    explain: (error) => connectionFault(error, BROKER, { showsCertificate }),
    ...listeners,
  });
  return { ...client, close: () => http.close() };
}

/** The way through the broker to a receiver of telemetry, by the agent's own paths and key. */
export function relayOf(settings: AgentSettings, agentId: () => string | undefined): BrokerRelay {
  return {
    urlOf(path) {
      const id = agentId();
      return id === undefined ? undefined : apiUrl(settings["agent.broker_url"], `agents/${id}/otlp${path}`);
    },
    key: pakReader(settings),
    names: BROKER,
    caFile: settings["agent.broker_ca_file"],
    clientCertFile: settings["agent.broker_client_cert_file"],
    clientKeyFile: settings["agent.broker_client_key_file"],
  };
}

/** What connections to the broker are made of, as the files say now. */
async function brokerOptions(settings: AgentSettings, env: DoorParts["env"]): Promise<HttpClientOptions> {
  const [ca, cert, key] = await Promise.all([
    readSettingFile(settings, "agent.broker_ca_file"),
    readSettingFile(settings, "agent.broker_client_cert_file"),
    readSettingFile(settings, "agent.broker_client_key_file"),
  ]);
  const proxy = proxyOf(settings["agent.broker_url"], env);
  const certificates = certificatesOf({ ca, cert, key });
  const unusable = unusablePart(certificates);
  if (unusable !== undefined) {
    throw new Failure("broker_unavailable", `Cannot use ${BROKER[unusable]}: ${UNUSABLE[unusable]}`);
  }
  return { ...certificates, ...(proxy === undefined ? {} : { proxy: { url: proxy } }) };
}

async function readSettingFile(
  settings: AgentSettings,
  name: "agent.broker_ca_file" | "agent.broker_client_cert_file" | "agent.broker_client_key_file",
): Promise<string | undefined> {
  const path = settings[name];
  if (path === undefined) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new Failure("broker_unavailable", `Cannot read ${name}: ${messageOf(cause)}`, { cause });
  }
}

/** The key, or the file's content at the moment it is asked for. */
export function pakReader(settings: AgentSettings): () => Promise<string> {
  const { "agent.pak": pak, "agent.pak_file": path } = settings;
  if (path === undefined) return () => Promise.resolve(pak ?? "");
  return async () => {
    try {
      return await readTokenFile(path);
    } catch (cause) {
      throw new Failure("broker_unavailable", `Cannot read agent.pak_file: ${messageOf(cause)}`, { cause });
    }
  };
}

/**
 * The cluster that the settings name; asks it nothing.
 *
 * @throws {Failure} `invalid_settings` when there is no usable kubeconfig.
 */
export function openCluster({ settings, ...parts }: DoorParts, metrics: AgentMetrics): Promise<Kubernetes> {
  return openKubernetes({
    ...parts,
    kubeconfigPath: settings["agent.kubeconfig_path"],
    metrics: { operations: metrics.kubernetesOperations, duration: metrics.kubernetesDuration },
    userAgent: USER_AGENT,
    maxInFlight: settings["agent.apply_concurrency"],
    qps: settings["agent.kube_qps"],
    burst: settings["agent.kube_burst"],
  });
}

/** Where the record of what was applied lives. */
export function inventoryNamespace(settings: AgentSettings, { defaultNamespace }: Kubernetes): string {
  return settings["agent.namespace"] ?? defaultNamespace ?? DEFAULT_NAMESPACE;
}

/**
 * The Pod that the agent runs in: a kubeconfig may lead to another cluster, so with one only the setting says so.
 * Within a cluster the host is called as its Pod, unless somebody gave it another name.
 */
export function podOf(
  { settings, env }: Pick<DoorParts, "settings" | "env">,
  { defaultNamespace: namespace = DEFAULT_NAMESPACE }: Kubernetes,
): PodName | undefined {
  const isWithin = settings["agent.kubeconfig_path"] === undefined && !env.KUBECONFIG;
  const name = settings["agent.pod_name"] ?? (isWithin ? env.HOSTNAME : undefined);
  return name === undefined ? undefined : { namespace, name };
}
