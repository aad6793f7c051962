import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { Kubernetes, KUBERNETES_OPERATIONS, KUBERNETES_RESULTS } from "$lib/kubernetes/types.ts";
import type { Log } from "$lib/log.ts";
import type { Counter, Histogram } from "$lib/metrics.ts";

export * from "$lib/kubernetes/types.ts";

/** Where the door counts every request, each retry too, and how long it took until its answer was read. */
export interface KubernetesMetrics {
  readonly operations: Counter<{
    readonly operation: typeof KUBERNETES_OPERATIONS;
    readonly result: typeof KUBERNETES_RESULTS;
  }>;
  readonly duration: Histogram<{ readonly operation: typeof KUBERNETES_OPERATIONS }>;
}

/** What the door is made of. */
export interface KubernetesOptions {
  /** The kubeconfig to use; without it `env.KUBECONFIG`, else the service account of the pod. */
  readonly kubeconfigPath?: string;
  /** The environment: `KUBECONFIG`, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly metrics: KubernetesMetrics;
  readonly clock: Clock;
  /** Randomness in [0, 1) for the jitter of retries. */
  readonly random: () => number;
  readonly log: Log;
  /** Such as `brokkr-agent/0.10.0`. */
  readonly userAgent: string;
  /** Requests per second that this process allows itself; 0 or left out: no limit. */
  readonly qps?: number;
  /** How many requests may go at once before `qps` counts; left out: twice `qps`. */
  readonly burst?: number;
}

/**
 * Opens the door to the API server that the kubeconfig, or the pod's service account, names. Asks it nothing.
 *
 * @throws {Failure} `invalid_settings` when there is no such configuration, or it asks for what this program cannot do.
 */
export async function openKubernetes(_options: KubernetesOptions): Promise<Kubernetes> {
  throw new Failure("kubernetes_unavailable", "Cannot open Kubernetes: not written yet");
}
