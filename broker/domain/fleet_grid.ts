import type { HealthStatus } from "$lib/wire/event.ts";
import type { AgentStatus, Connectivity } from "./agent.ts";
import type { DeliveryState } from "./delivery.ts";
import type { DeliveryFilter } from "./seen_delivery.ts";

/** Which deliveries are looked at; of what is left out, all. */
export interface GridFilter
  extends Pick<DeliveryFilter, "generatorId" | "agentId" | "connectivity" | "state" | "health"> {
  /** A part of an agent's name, or of its cluster's. */
  readonly agent?: string | undefined;
  /** A part of a stack's name. */
  readonly stack?: string | undefined;
}

/** Agents by how their deliveries are, the worst first: the first that is true of one is its group. */
export const HEALTH_GROUPS = ["trouble", "silent", "progressing", "unknown", "healthy", "empty"] as const;
/** One of {@linkcode HEALTH_GROUPS}. */
export type HealthGroup = (typeof HEALTH_GROUPS)[number];

/** How many deliveries are how well, as it is believed; `troubled` are failed, blocked or degraded. */
export interface GridCounts extends Readonly<Record<HealthStatus, number>> {
  readonly troubled: number;
}

/** Agents that belong together. */
export interface GridGroup extends GridCounts {
  /** Of agents without the annotation: undefined. */
  readonly key: string | undefined;
  readonly agents: number;
  /** Those that are late or lost. */
  readonly silent: number;
}

/** An agent as a row of the grid. */
export interface GridAgent {
  readonly id: string;
  readonly name: string;
  readonly clusterName: string;
  readonly status: AgentStatus;
  readonly connectivity: Connectivity;
  readonly heartbeatAgeSeconds?: number | undefined;
}

/** A stack as a column of the grid. */
export interface GridStack {
  readonly id: string;
  readonly name: string;
}

/** A delivery as a cell of the grid, as its agent last reported it. */
export interface GridCell {
  readonly agentId: string;
  readonly stackId: string;
  readonly state: DeliveryState;
  readonly health: HealthStatus;
  /** Its removal waits for a person's word. */
  readonly isHeld: boolean;
  readonly ageSeconds: number;
}
