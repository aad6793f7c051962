import { AGENT_METRICS } from "../../../agent/metrics.ts";
import {
  COUNTED_METRICS,
  DELIVERY_METRICS,
  HTTP_METRICS,
  SETTLING_METRICS,
  STORE_METRICS,
} from "../../../broker/metrics.ts";
import type { Dashboard, Panel, Row, Variable } from "./panel.ts";
import { NO_PROBES, Queries } from "./query.ts";
import { fleetStatus } from "./status.ts";

const CLUSTER: Variable = { name: "cluster", label: "Broker cluster", component: "broker", of: "cluster" };
const NAMESPACE: Variable = {
  name: "namespace",
  label: "Namespace",
  component: "broker",
  of: "namespace",
  within: [CLUSTER],
};
const JOB: Variable = {
  name: "job",
  label: "Broker job",
  component: "broker",
  of: "job",
  within: [CLUSTER, NAMESPACE],
};
const AGENT_JOB: Variable = { name: "agent_job", label: "Agent job", component: "agent", of: "job" };
const AGENT: Variable = { name: "agent", label: "Agent", component: "agent", of: "instance", within: [AGENT_JOB] };
const OF_BROKER = [CLUSTER, NAMESPACE, JOB];

/** What the whole fleet is up to: agents, and what is delivered to them. */
export function fleetDashboard(): Dashboard {
  return {
    uid: "brokkr-fleet",
    title: "Brokkr / Fleet and deliveries",
    description: "Agents and what is delivered to them, as the broker knows it; below, as the agents themselves count.",
    variables: [...OF_BROKER, AGENT_JOB, AGENT],
    rows: [
      fleetStatus(new Queries(OF_BROKER)),
      atAGlance(new Queries(OF_BROKER)),
      courseOfTheFleet(new Queries(OF_BROKER)),
      asAgentsCount(new Queries([AGENT_JOB, AGENT])),
    ],
  };
}

function atAGlance(queries: Queries): Row {
  const { agents, heartbeatAge, activeAgents, stacks, deploymentObjects, deliveriesHealth } = STORE_METRICS;
  const count = (title: string, shown: Partial<Panel> & Pick<Panel, "queries" | "description">): Panel => ({
    title,
    shows: "number",
    unit: "none",
    ...shown,
  });
  const connectivity = (title: string, value: string) =>
    count(title, {
      queries: [queries.ofStore(agents, { where: `connectivity="${value}"` })],
      description: agents.help,
    });
  return {
    title: "At a glance",
    panels: [
      connectivity("Agents connected", "connected"),
      connectivity("Agents late", "late"),
      connectivity("Agents lost", "lost"),
      connectivity("Agents that have never connected", "never"),
      count("Oldest heartbeat", {
        queries: [queries.ofStore(heartbeatAge)],
        description: heartbeatAge.help,
        unit: "s",
      }),
      count("Agents heard of lately", { queries: [queries.ofStore(activeAgents)], description: activeAgents.help }),
      count("Stacks", { queries: [queries.ofStore(stacks)], description: stacks.help }),
      count("Deployment objects", {
        queries: [queries.ofStore(deploymentObjects)],
        description: deploymentObjects.help,
      }),
      count("Deliveries healthy", {
        queries: [queries.ofStore(deliveriesHealth, { where: 'health="healthy"' })],
        description: deliveriesHealth.help,
      }),
      count("Deliveries degraded", {
        queries: [queries.ofStore(deliveriesHealth, { where: 'health="degraded"' })],
        description: deliveriesHealth.help,
      }),
    ],
  };
}

/** How well what was delivered works, and whether that came in time. */
function health(queries: Queries): readonly Panel[] {
  const { deliveriesHealth, agentsKubernetes, agentsByVersion } = STORE_METRICS;
  const { slo, transitions } = COUNTED_METRICS;
  const { duration } = DELIVERY_METRICS;
  const lines = { shows: "lines", unit: "none" } as const;
  return [
    {
      ...{ ...lines, title: "Deliveries by health", description: deliveriesHealth.help, isStacked: true },
      queries: [queries.ofStore(deliveriesHealth, { label: "health" })],
    },
    {
      ...{ ...lines, title: "Time until healthy", description: `${duration.help} Here: until healthy.`, unit: "s" },
      queries: queries.percentiles(duration, { where: 'stage="healthy"' }),
    },
    {
      ...{ ...lines, title: "Share of deliveries that are late", unit: "percentunit" },
      description: `${slo.help} In the last hour.`,
      queries: [queries.lookedAt("BrokkrDeliveriesLateFast", { of: "pages", legend: "late" })],
    },
    {
      ...{ ...lines, title: "Agents that became connected, late and lost in an hour", description: transitions.help },
      queries: [queries.hourly(transitions, { by: ["to"] })],
    },
    {
      ...{ ...lines, title: "Agents by whether they reach Kubernetes", description: agentsKubernetes.help },
      queries: [queries.ofStore(agentsKubernetes, { label: "reachable" })],
      isStacked: true,
    },
    {
      ...{ ...lines, title: "Agents by version", description: agentsByVersion.help, isStacked: true },
      queries: [queries.ofStore(agentsByVersion, { label: "version" })],
    },
  ];
}

/** What was submitted and is not yet given to every agent's deliveries. */
function settling(queries: Queries): readonly Panel[] {
  const { settlingLines, oldestLine } = STORE_METRICS;
  const { duration } = SETTLING_METRICS;
  return [
    {
      ...{ shows: "lines", title: "Changes being settled", description: settlingLines.help, unit: "none" },
      queries: [queries.ofStore(settlingLines)],
    },
    {
      ...{ shows: "lines", title: "Oldest change being settled", description: oldestLine.help, unit: "s" },
      queries: [queries.lookedAt("BrokkrSettlingStuck", { of: "store", legend: "oldest" })],
    },
    {
      ...{ shows: "lines", title: "Time until settled", description: duration.help, unit: "s" },
      queries: queries.percentiles(duration),
    },
  ];
}

function courseOfTheFleet(queries: Queries): Row {
  const { agents, deliveries, oldestPending } = STORE_METRICS;
  const { duration } = DELIVERY_METRICS;
  const lines = { shows: "lines", unit: "none" } as const;
  return {
    title: "Agents and deliveries",
    panels: [
      {
        ...{ ...lines, title: "Agents by connectivity", description: agents.help, isStacked: true },
        queries: [queries.ofStore(agents, { label: "connectivity" })],
      },
      {
        ...{ ...lines, title: "Deliveries by state", description: deliveries.help, isStacked: true },
        queries: [queries.ofStore(deliveries, { label: "state" })],
      },
      {
        ...{ ...lines, title: "Oldest pending delivery", description: oldestPending.help, unit: "s" },
        queries: [queries.lookedAt("BrokkrDeliveryPending", { of: "store", legend: "oldest" })],
      },
      {
        ...{ ...lines, title: "Time until applied", description: `${duration.help} Here: until applied.`, unit: "s" },
        queries: queries.percentiles(duration, { where: 'stage="applied"' }),
      },
      {
        ...{
          ...lines,
          title: "Time until delivered",
          description: `${duration.help} Here: until delivered.`,
          unit: "s",
        },
        queries: queries.percentiles(duration, { where: 'stage="delivered"' }),
      },
      {
        ...{ ...lines, title: "Deliveries finished", unit: "ops" },
        description: "How many objects reach an agent, and how many are applied.",
        queries: [queries.timed(duration, { by: ["stage"] })],
      },
      ...health(queries),
      ...settling(queries),
      {
        ...{ ...lines, title: "Requests to the broker", unit: "reqps" },
        description: `${HTTP_METRICS.requests.help} Probes and scrapes are left out.`,
        queries: queries.busy(HTTP_METRICS.requests, { by: ["endpoint"], where: NO_PROBES }),
      },
      {
        ...{ ...lines, title: "Requests that fail", unit: "reqps" },
        description: "Answers with a status of 500 or more, by path and status; probes and scrapes are left out.",
        queries: queries.busy(HTTP_METRICS.requests, {
          by: ["endpoint", "status"],
          where: `status=~"5..", ${NO_PROBES}`,
        }),
      },
    ],
  };
}

function asAgentsCount(queries: Queries): Row {
  const { pollRequests, reconciliations, kubernetesOperations, objects, driftRepaired, prunesBlocked } = AGENT_METRICS;
  const lines = { shows: "lines", unit: "ops" } as const;
  return {
    title: "As the agents count (where Prometheus scrapes them)",
    panels: [
      {
        ...{ ...lines, title: "Stacks worked on", description: reconciliations.help },
        queries: [queries.rate(reconciliations, { by: ["result"] })],
      },
      {
        ...{ ...lines, title: "Objects", description: objects.help },
        queries: [queries.rate(objects, { by: ["action"] })],
      },
      {
        ...{ ...lines, title: "Drift put right", description: driftRepaired.help },
        queries: [queries.rate(driftRepaired, { by: ["instance"] })],
      },
      {
        ...{ ...lines, title: "Polls that fail", description: pollRequests.help, unit: "percentunit" },
        queries: [queries.share(pollRequests, { by: ["instance"], failed: 'result="error"' })],
      },
      {
        ...{ ...lines, title: "Kubernetes requests that fail", unit: "percentunit" },
        description: kubernetesOperations.help,
        queries: [queries.share(kubernetesOperations, { by: ["instance"], failed: 'result="error"' })],
      },
      {
        ...{ ...lines, title: "Removals held", description: prunesBlocked.help, unit: "none" },
        queries: [queries.each(prunesBlocked)],
      },
    ],
  };
}
