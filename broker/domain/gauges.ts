/** What the gauges of the store show, read in one statement. */
export interface StoreGauges {
  /** Agents, whatever their status, whose last heartbeat is younger than the limit asked for. */
  readonly activeAgents: number;
  readonly stacks: number;
  readonly deploymentObjects: number;
  /** The oldest heartbeat among `ACTIVE` agents; one that never sent any counts from its creation; 0 without agents. */
  readonly heartbeatAgeSeconds: number;
}
