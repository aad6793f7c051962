import { type Clock, deadline } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import type { BoundCounter } from "$lib/metrics.ts";
import type { HeartbeatReport } from "$lib/wire/agent.ts";

/** What a heartbeat needs. */
export interface HeartbeatParts {
  readonly clock: Clock;
  readonly kubernetes: Pick<Kubernetes, "version">;
  readonly agentVersion: string;
  /** Resolves when the broker has acknowledged the heartbeat. */
  readonly send: (report: HeartbeatReport, signal: AbortSignal) => Promise<void>;
  /** Counts heartbeats that were acknowledged. */
  readonly sent: BoundCounter;
  /** Hears what was found out about the API server: its version, or why there is none. */
  readonly onProbe: (probe: Probe) => void;
}

/** What the API server answered when asked for its version. */
export type Probe =
  | { readonly isReachable: true; readonly version: string; readonly latencyMs: number }
  | { readonly isReachable: false; readonly why: string };

/** Milliseconds that the API server has to answer, so that a silent one does not silence the agent. */
export const PROBE_TIMEOUT_MS = 5_000;

/** One turn of the loop: asks the API server, then tells the broker that the agent lives and what it found. */
export async function heartbeat(parts: HeartbeatParts, signal: AbortSignal): Promise<void> {
  const probe = await askVersion(parts, signal);
  parts.onProbe(probe);
  await parts.send({ ...found(probe), agent_version: parts.agentVersion }, signal);
  parts.sent.add();
}

async function askVersion({ clock, kubernetes }: HeartbeatParts, outer: AbortSignal): Promise<Probe> {
  const startMs = clock.monotonic();
  using limit = deadline(clock, PROBE_TIMEOUT_MS, outer);
  try {
    const version = await kubernetes.version(limit.signal);
    return { isReachable: true, version, latencyMs: Math.round(clock.monotonic() - startMs) };
  } catch (error) {
    outer.throwIfAborted();
    return { isReachable: false, why: messageOf(error) };
  }
}

function found(probe: Probe): HeartbeatReport {
  if (!probe.isReachable) return { k8s_reachable: false };
  return { k8s_reachable: true, k8s_api_latency_ms: probe.latencyMs, k8s_version: probe.version };
}
