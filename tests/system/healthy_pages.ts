/** A page of the console, and by what it calls something of one agent and one stack healthy. */
export interface HealthyPage {
  readonly name: string;
  readonly pathOf: (ids: { readonly agentId: string; readonly stackId: string }) => string;
  readonly healthy: RegExp;
}

const BADGE = /<span class="badge good">healthy</;

/** Every page that says how well something works. */
export const HEALTHY_PAGES: readonly HealthyPage[] = [
  { name: "the fleet's page", pathOf: () => "/console", healthy: /<strong>1<\/strong> healthy/ },
  { name: "the agent's page", pathOf: ({ agentId }) => `/console/agents/${agentId}`, healthy: BADGE },
  { name: "the stack's page", pathOf: ({ stackId }) => `/console/stacks/${stackId}`, healthy: BADGE },
  {
    name: "the delivery's page",
    pathOf: ({ agentId, stackId }) => `/console/deliveries/${agentId}/${stackId}`,
    healthy: BADGE,
  },
];
