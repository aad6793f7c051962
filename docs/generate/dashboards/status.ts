import type { Panel, Query, Row, Unit } from "./panel.ts";
import type { Queries } from "./query.ts";

const TITLE = "Status";

/** Whether agents are there and deliveries arrive and work: what the broker's alerts about them look at. */
export function fleetStatus(queries: Queries): Row {
  const at = (alert: string) => queries.lookedAt(alert, { of: "store" });
  return {
    title: TITLE,
    panels: [
      alertsFiring(queries),
      number("Agents not connected", at("BrokkrManyAgentsDisconnected"), {
        unit: "percentunit",
        says: "Late, lost or never seen.",
      }),
      number("Agents late or lost", at("BrokkrAgentDisconnected"), { says: "Those that were connected before." }),
      number("Clusters out of reach", at("BrokkrClustersUnreachable"), {
        says: "Their agents are connected and do not reach the API server.",
      }),
      number("Deliveries stuck", at("BrokkrManyDeliveriesStuck"), {
        unit: "percentunit",
        says: "Failed, blocked or not yet removed.",
      }),
      number("Deliveries failed", at("BrokkrDeliveriesFailing"), { says: "Tried again, at least every 5 minutes." }),
      number("Deliveries blocked", at("BrokkrDeliveriesBlocked"), { says: "Each waits for a person." }),
      number("Removals not done", at("BrokkrDeliveriesTerminating"), {
        says: "Each takes its time; not half an hour.",
      }),
      number("Oldest pending delivery", at("BrokkrDeliveryPending"), {
        unit: "s",
        says: "Of those that no agent has begun.",
      }),
      number("Oldest unhealthy delivery", at("BrokkrDeliveriesUnhealthy"), {
        unit: "s",
        says: "Applied, and not working.",
      }),
      number("Deliveries stale", at("BrokkrDeliveriesStale"), { says: "Of agents that are silent: nobody knows." }),
      number("Deliveries late", queries.lookedAt("BrokkrDeliveriesLateFast", { of: "pages" }), {
        unit: "percentunit",
        says: "In the last hour.",
      }),
    ],
  };
}

/** Whether brokers answer, and what they need does: what their alerts look at. */
export function brokerStatus(queries: Queries): Row {
  const at = (alert: string) => queries.lookedAt(alert, { of: "pages" });
  const answering = (alert: string) => queries.answering(alert, { of: "pages" });
  return {
    title: TITLE,
    panels: [
      alertsFiring(queries),
      running(queries, "broker"),
      number("Brokers down", answering("BrokkrBrokerDown"), { says: "Pages that Prometheus asks for in vain." }),
      number("Starts within 30 minutes", at("BrokkrBrokerRestarting"), { says: "Of one broker, after its first." }),
      number("Gauges not read", answering("BrokkrGaugesStale"), { says: "Releases that can't read their store." }),
      number("HTTP errors, people and tools", at("BrokkrHttpErrors"), {
        unit: "percentunit",
        says: "Share of all that is not an agent's, in 5 minutes.",
      }),
      number("HTTP errors, agents", at("BrokkrAgentRequestErrors"), {
        unit: "percentunit",
        says: "Share of agents' requests, in 5 minutes.",
      }),
      number("HTTP p99, people and tools", at("BrokkrHttpLatency"), {
        unit: "s",
        says: "What one answer in 100 exceeds.",
      }),
      number("HTTP p99, agents", at("BrokkrAgentRequestLatency"), {
        unit: "s",
        says: "What one answer in 100 exceeds.",
      }),
      number("Database errors", at("BrokkrDatabaseErrors"), {
        unit: "percentunit",
        says: "Share of reads, in 2 minutes.",
      }),
      number("Database p95", at("BrokkrDatabaseLatency"), {
        unit: "s",
        says: "What one request in 20 exceeds.",
      }),
      number("Pool always busy", at("BrokkrDatabasePoolFull"), {
        unit: "percentunit",
        says: "Of the fullest share, in 5 minutes.",
      }),
    ],
  };
}

/** Whether agents work, and reach the broker and their API server: what their alerts look at. */
export function agentStatus(queries: Queries): Row {
  const at = (alert: string) => queries.lookedAt(alert, { of: "pages" });
  const answering = (alert: string) => queries.answering(alert, { of: "pages" });
  return {
    title: TITLE,
    panels: [
      alertsFiring(queries),
      running(queries, "agent"),
      number("Agents down", answering("BrokkrAgentDown"), { says: "Pages that Prometheus asks for in vain." }),
      number("Starts within 30 minutes", at("BrokkrAgentRestarting"), { says: "Of one agent, after its first." }),
      number("Agents without a leader", answering("BrokkrAgentNoLeader"), { says: "All of whose replicas stand by." }),
      number("Agents without a snapshot", answering("BrokkrAgentNoSuccessfulPoll"), { says: "For 5 minutes." }),
      number("Poll errors", at("BrokkrAgentPollsFailing"), { unit: "percentunit", says: "Of the worst agent." }),
      number("Kubernetes errors", at("BrokkrAgentKubernetesErrors"), {
        unit: "percentunit",
        says: "Of the worst agent.",
      }),
      number("Kubernetes p95", at("BrokkrAgentKubernetesLatency"), {
        unit: "s",
        says: "What one request in 20 exceeds.",
      }),
      number("Failed turns", at("BrokkrAgentTurnsFailing"), { says: "In 15 minutes, of the worst agent." }),
      number("Reports not acknowledged", at("BrokkrAgentReportsPending"), { says: "At least, for 15 minutes." }),
      number("Stacks with removals held", at("BrokkrAgentPruneHeld"), { says: "Of the worst agent." }),
    ],
  };
}

function alertsFiring(queries: Queries): Panel {
  const says = "Alerts of Brokkr that fire for what is chosen above; 0 too where Prometheus has no rules of ours.";
  return { ...number("Alerts firing", queries.firing(), { says }), wrongAt: 1 };
}

function running(queries: Queries, component: "broker" | "agent"): Panel {
  const title = component === "broker" ? "Brokers running" : "Agents running";
  const says = `How many pages of ${component}s Prometheus has.`;
  return { ...number(title, queries.programs(component), { says }), wrongAt: 0 };
}

function number(
  title: string,
  query: Query,
  { unit = "none", says }: { readonly unit?: Unit; readonly says: string },
): Panel {
  return { title, description: says, shows: "number", unit, queries: [query] };
}
