/** Whether an agent writes to its cluster; `INACTIVE` is the state of a new one. */
export type AgentStatus = "ACTIVE" | "INACTIVE";

/** How lately an agent gave a sign of life; `never` has not yet. */
export const CONNECTIVITIES = ["connected", "late", "lost", "never"] as const;
/** One of {@linkcode CONNECTIVITIES}. */
export type Connectivity = (typeof CONNECTIVITIES)[number];

/** An identity of one cluster's agent, with what it last said of itself. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly clusterName: string;
  readonly status: AgentStatus;
  readonly lastHeartbeat?: Date;
  readonly k8sReachable?: boolean;
  readonly k8sApiLatencyMs?: number;
  /** When the agent last said anything of its API server: the age of the fields beside it. */
  readonly k8sReportedAt?: Date;
  readonly k8sVersion?: string;
  readonly agentVersion?: string;
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
