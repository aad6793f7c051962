import type { HealthStatus } from "$lib/wire/event.ts";
import type { DeliveryState } from "./delivery.ts";

/** Whether an agent writes to its cluster; `INACTIVE` is the state of a new one. */
export type AgentStatus = "ACTIVE" | "INACTIVE";

/** How lately an agent gave a sign of life; `never` has not yet. */
export const CONNECTIVITIES = ["connected", "late", "lost", "never"] as const;
/** One of {@linkcode CONNECTIVITIES}. */
export type Connectivity = (typeof CONNECTIVITIES)[number];

/** What an agent can become: none becomes one that has never been heard of. */
export const TRANSITIONS = ["connected", "late", "lost"] as const;
/** One of {@linkcode TRANSITIONS}. */
export type KnownConnectivity = (typeof TRANSITIONS)[number];

/** How old a heartbeat makes an agent late, and lost. */
export interface ConnectivityLimits {
  readonly lateAfterSeconds: number;
  readonly lostAfterSeconds: number;
}

/** How connected an agent is whose last heartbeat is so old. */
export function connectivityOf(
  heartbeatAgeSeconds: number | undefined,
  { lateAfterSeconds, lostAfterSeconds }: ConnectivityLimits,
): Connectivity {
  if (heartbeatAgeSeconds === undefined) return "never";
  if (heartbeatAgeSeconds >= lostAfterSeconds) return "lost";
  return heartbeatAgeSeconds >= lateAfterSeconds ? "late" : "connected";
}

/** The age that a row gives: one that came after the reading began has none yet. */
export function ageOf(seconds: number | null): number | undefined {
  return seconds === null ? undefined : Math.max(0, seconds);
}

/** Whether what the agent last said is no longer believed: it has been silent for too long. */
export function isSilent(connectivity: Connectivity): boolean {
  return connectivity === "late" || connectivity === "lost";
}

/** How many deliveries of one state and reported health an agent has. */
export interface DeliveryCount {
  readonly state: DeliveryState;
  readonly health: HealthStatus;
  readonly deliveries: number;
}

/** An identity of one cluster's agent, with what it last said of itself. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly clusterName: string;
  readonly status: AgentStatus;
  readonly lastHeartbeat?: Date;
  /** At the moment of reading. */
  readonly heartbeatAgeSeconds?: number;
  readonly k8sReachable?: boolean;
  readonly k8sApiLatencyMs?: number;
  /** When the agent last said anything of its API server: the age of the fields beside it. */
  readonly k8sReportedAt?: Date;
  readonly k8sVersion?: string;
  readonly agentVersion?: string;
  /** Without those of which there are none. */
  readonly deliveries: readonly DeliveryCount[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** An agent to make, with the hash of its first key. It is registered with the system generator besides. */
export interface NewAgent {
  readonly name: string;
  readonly clusterName: string;
  readonly pakHash: string;
  readonly generatorIds: readonly string[];
}

/** What may change of an agent; what is left out stays. */
export interface AgentChange {
  readonly name?: string;
  readonly clusterName?: string;
  readonly status?: AgentStatus;
}

/** A sign of life. Without `k8sReachable` nothing is said of the API server, and what was known of it keeps its age. */
export interface Heartbeat {
  readonly k8sReachable?: boolean;
  readonly k8sApiLatencyMs?: number;
  readonly k8sVersion?: string;
  readonly agentVersion?: string;
}
