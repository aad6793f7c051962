import type { Connectivity } from "./agent.ts";
import type { DeliveryState } from "./delivery.ts";

/** What the gauges of the store show, read in one statement. */
export interface StoreGauges {
  /** Agents, whatever their status, whose last heartbeat is younger than the limit asked for. */
  readonly activeAgents: number;
  /** `ACTIVE` agents by how lately they gave a sign of life, as the limits asked for say. */
  readonly agents: Readonly<Record<Connectivity, number>>;
  readonly stacks: number;
  readonly deploymentObjects: number;
  /** The oldest heartbeat among `ACTIVE` agents; one that never sent any counts from its creation; 0 without agents. */
  readonly heartbeatAgeSeconds: number;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
  /** The oldest `pending` delivery to an `ACTIVE` agent, since it was desired; 0 without any. */
  readonly oldestPendingAgeSeconds: number;
  /** Changes whose deliveries are not yet all settled. */
  readonly settlingLines: number;
  /** The oldest of them; 0 without any. */
  readonly oldestLineAgeSeconds: number;
}
