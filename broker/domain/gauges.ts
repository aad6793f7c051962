import type { HealthStatus } from "$lib/wire/event.ts";
import type { Connectivity } from "./agent.ts";
import type { DeliveryState } from "./delivery.ts";

/** Whether an agent reaches its API server: `unknown` of one that is not connected, or has not said. */
export const REACHABILITIES = ["true", "false", "unknown"] as const;
/** One of {@linkcode REACHABILITIES}. */
export type Reachability = (typeof REACHABILITIES)[number];

/** How many versions of agents are told apart; further ones are `other`. */
export const AGENT_VERSIONS_MAX = 10;

/** What the gauges of the store show, read in one statement. */
export interface StoreGauges {
  /** Agents, whatever their status, whose last heartbeat is younger than the limit asked for. */
  readonly activeAgents: number;
  /** `ACTIVE` agents by how lately they gave a sign of life, as the limits asked for say. */
  readonly agents: Readonly<Record<Connectivity, number>>;
  /** `ACTIVE` agents by what the connected ones last said of their API server. */
  readonly kubernetes: Readonly<Record<Reachability, number>>;
  /**
   * `ACTIVE` agents by their version, the {@linkcode AGENT_VERSIONS_MAX} that most have; `unknown` where none was said.
   */
  readonly versions: Readonly<Record<string, number>>;
  readonly stacks: number;
  readonly deploymentObjects: number;
  /** The oldest heartbeat among `ACTIVE` agents; one that never sent any counts from its creation; 0 without agents. */
  readonly heartbeatAgeSeconds: number;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
  /** Those that are not removed, as they are believed: of agents that are late or lost they are `unknown`. */
  readonly deliveriesByHealth: Readonly<Record<HealthStatus, number>>;
  /** Those to `ACTIVE` agents that are late or lost, whose last word is no longer believed. */
  readonly staleDeliveries: number;
  /** The one to a connected `ACTIVE` agent that is progressing or degraded for longest; 0 without any. */
  readonly oldestUnhealthyAgeSeconds: number;
  /** The oldest `pending` delivery to an `ACTIVE` agent, since it was desired; 0 without any. */
  readonly oldestPendingAgeSeconds: number;
  /** Changes whose deliveries are not yet all settled. */
  readonly settlingLines: number;
  /** The oldest of them; 0 without any. */
  readonly oldestLineAgeSeconds: number;
}
