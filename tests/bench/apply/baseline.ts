import { AGENT_METRICS } from "../../../agent/metrics.ts";
import { systemClock } from "$lib/clock.ts";
import { type ApiResource, type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import { createRegistry } from "$lib/metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";

/** Tells the requests of the baseline from the agent's in the audit log. */
export const BASELINE_AGENT = "brokkr-baseline/1";

const CONFIG_MAPS: ApiResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
};

/** What the baseline applies. */
export interface Baseline {
  readonly kubeconfigPath: string;
  readonly namespace: string;
  readonly names: readonly string[];
  readonly data: Readonly<Record<string, string>>;
}

/**
 * What a plain "dry-run each, then apply each" costs, one request after the other, through the door that the agent uses.
 *
 * @returns Milliseconds from the first request to the last answer.
 */
export async function applyOneByOne({ kubeconfigPath, namespace, names, data }: Baseline): Promise<number> {
  const kubernetes = await openDoor(kubeconfigPath);
  const startMs = performance.now();
  for (const dryRun of [true, false]) {
    for (const name of names) {
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
      await kubernetes.apply({ resource: CONFIG_MAPS, namespace, name }, object, { dryRun });
    }
  }
  const ms = performance.now() - startMs;
  kubernetes.close();
  return ms;
}

function openDoor(kubeconfigPath: string): Promise<Kubernetes> {
  const clock = systemClock();
  const log = silentLog();
  const { kubernetesOperations, kubernetesDuration } = createRegistry({ clock, log }).register(AGENT_METRICS);
  return openKubernetes({
    ...{ kubeconfigPath, clock, log, env: {}, random: Math.random, userAgent: BASELINE_AGENT },
    metrics: { operations: kubernetesOperations, duration: kubernetesDuration },
  });
}
