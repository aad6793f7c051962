import type { Clock } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { VERSION } from "$lib/version.ts";
import { type BrokerClient, brokerClient, type BrokerClientParts } from "./broker_client.ts";
import type { AgentMetrics } from "./metrics.ts";
import type { AgentSettings } from "./settings.ts";

/** What the agent's ways to the broker and to its cluster are made of. */
export interface DoorParts {
  readonly settings: AgentSettings;
  /** The environment, for what the Kubernetes door reads of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How the broker is reached. */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

const USER_AGENT = `brokkr-agent/${VERSION}`;
const DEFAULT_NAMESPACE = "default";

/** The broker that the settings name. */
export function openBroker(
  { settings, fetch, clock }: DoorParts,
  hearing: Pick<BrokerClientParts, "connected" | "onExchange">,
): BrokerClient {
  const url = settings["agent.broker_url"];
  return brokerClient({ ...{ fetch, clock, url }, userAgent: USER_AGENT, readPak: pakReader(settings), ...hearing });
}

/** The key, or the file's content at the moment it is asked for. */
function pakReader(settings: AgentSettings): () => Promise<string> {
  const { "agent.pak": pak, "agent.pak_file": path } = settings;
  if (path === undefined) return () => Promise.resolve(pak ?? "");
  return async () => {
    try {
      return (await Deno.readTextFile(path)).trim();
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
