import type { AlertCase } from "./promtool_cases.ts";
import { keptRecording } from "./fixtures.ts";
import type { Scenario } from "./scenario.ts";
import { AGENT_KILLED, BROKER_KILLED, LEASE_LOST } from "./scenarios/agents.ts";
import { API_SERVER_AWAY, MANIFEST_REFUSED, ROLLOUT } from "./scenarios/clusters.ts";
import { DATABASE_STOPPED, NAMES_TAKEN } from "./scenarios/databases.ts";

const PACE = 60;

/** A scenario and one of the alerts that have to fire in it. */
export interface NamedCase {
  readonly alert: string;
  readonly scenario: Scenario;
}

/** Every alert of every scenario. */
export function alertCases(scenarios: readonly Scenario[]): readonly NamedCase[] {
  return scenarios.flatMap((scenario) => scenario.alerts.map((alert) => ({ alert, scenario })));
}

/** The case with what was recorded. */
export function recordedCase({ alert, scenario }: NamedCase): AlertCase {
  return { alert, recording: keptRecording(scenario), pace: scenario.pace ?? PACE };
}

/** An alert in a scenario that says more of it than that it fires and resolves. */
export interface FurtherCase extends NamedCase, Pick<AlertCase, "beside" | "fires" | "replicas"> {
  /** What must be so. */
  readonly claim: string;
  /** In place of the scenario's. */
  readonly pace?: number;
}

/** Slow enough for what is broken in {@linkcode BROKER_KILLED} and {@linkcode AGENT_KILLED} to be so for 25 hours. */
const A_DAY_AND_MORE = 6_000;

/** What else must hold of alerts: when one of two replicas fails, and when nobody is at fault. */
export const FURTHER_CASES: readonly FurtherCase[] = [
  {
    claim: "fires while one of two has been down for 25 hours",
    ...{ alert: "BrokkrBrokerDown", scenario: BROKER_KILLED, beside: ["healthy"], pace: A_DAY_AND_MORE },
  },
  {
    claim: "fires while one of two has been down for 25 hours",
    ...{ alert: "BrokkrAgentDown", scenario: AGENT_KILLED, beside: ["healthy"], pace: A_DAY_AND_MORE },
  },
  {
    claim: "fires for a replica that was never scraped",
    ...{ alert: "BrokkrBrokerDown", scenario: AGENT_KILLED, beside: ["unseen"] },
  },
  {
    claim: "fires for an agent that was never scraped",
    ...{ alert: "BrokkrAgentDown", scenario: BROKER_KILLED, beside: ["unseen"] },
  },
  {
    claim: "is silent about what else is down in a job that scrapes other programs too",
    ...{ alert: "BrokkrBrokerDown", scenario: AGENT_KILLED, beside: ["unseen", "stranger"], fires: false },
  },
  {
    claim: "fires when one of two is down",
    ...{ alert: "BrokkrBrokerDown", scenario: BROKER_KILLED, beside: ["healthy"] },
  },
  {
    claim: "is silent while one of two answers",
    ...{ alert: "BrokkrBrokerAbsent", scenario: BROKER_KILLED, beside: ["healthy"], fires: false },
  },
  {
    claim: "is silent while one of two replicas reads the gauges",
    ...{ alert: "BrokkrGaugesStale", scenario: DATABASE_STOPPED, beside: ["healthy"], fires: false },
  },
  {
    claim: "fires when one of two replicas has no database",
    ...{ alert: "BrokkrDatabaseErrors", scenario: DATABASE_STOPPED, beside: ["healthy"] },
  },
  {
    claim: "fires when one of two agents gets no snapshot",
    ...{ alert: "BrokkrAgentNoSuccessfulPoll", scenario: BROKER_KILLED, beside: ["healthy"] },
  },
  {
    claim: "fires when one of two agents is refused by its API server",
    ...{ alert: "BrokkrAgentKubernetesErrors", scenario: API_SERVER_AWAY, beside: ["healthy"] },
  },
  {
    claim: "is silent while one of two replicas has the Lease",
    ...{ alert: "BrokkrAgentNoLeader", scenario: LEASE_LOST, beside: ["healthy"], fires: false },
  },
  ...["BrokkrAgentKubernetesErrors", "BrokkrAgentNoSuccessfulPoll", "BrokkrAgentPollsFailing"].map((alert) => ({
    claim: "is silent while stacks come and go, beside a replica that stands by too",
    ...{ alert, scenario: ROLLOUT, beside: ["standby"] as const, fires: false },
  })),
  {
    claim: "is silent about objects that are refused",
    ...{ alert: "BrokkrAgentKubernetesErrors", scenario: MANIFEST_REFUSED, fires: false },
  },
  {
    claim: "is silent about clients that ask for names that are taken",
    ...{ alert: "BrokkrDatabaseErrors", scenario: NAMES_TAKEN, fires: false },
  },
];

/** What is missing: alerts that no scenario is for, and alerts of scenarios that no rule has. */
export function coverageFaults(alerts: readonly string[], scenarios: readonly Scenario[]): readonly string[] {
  const cases = alertCases(scenarios);
  const uncovered = alerts.filter((alert) => !cases.some((one) => one.alert === alert));
  const unknown = cases.filter(({ alert }) => !alerts.includes(alert));
  return [
    ...uncovered.map((alert) => `${alert}: no scenario makes it fire`),
    ...unknown.map(({ alert, scenario }) => `${alert}: "${scenario.name}" is for it, and no rule has it`),
  ];
}
