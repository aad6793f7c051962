import type { AlertCase } from "./promtool_cases.ts";
import { keptRecording, metricsOfAlerts } from "./fixtures.ts";
import type { Scenario } from "./scenario.ts";
import { AGENT_KILLED, BROKER_KILLED, LEASE_LOST } from "./scenarios/agents.ts";
import { API_SERVER_AWAY, MANIFEST_REFUSED, ROLLOUT } from "./scenarios/clusters.ts";
import { DATABASE_STOPPED, NAMES_TAKEN } from "./scenarios/databases.ts";
import { AGENT_LOST, BAD_DEPLOY, FORTY_LOST } from "./scenarios/fleets.ts";
import { CLAIMS_PENDING } from "./scenarios/health.ts";
import { POOL_FULL, REPORTS_REFUSED } from "./scenarios/requests.ts";
import type { Recording, Values } from "./recording.ts";

const PACE = 60;

/** A scenario and one of the alerts that have to fire in it. */
export interface NamedCase {
  readonly alert: string;
  readonly scenario: Scenario;
}

/** Every alert of every scenario. */
function alertCases(scenarios: readonly Scenario[]): readonly NamedCase[] {
  return scenarios.flatMap((scenario) => scenario.alerts.map((alert) => ({ alert, scenario })));
}

/** Every claim on a scenario, in each of these ways to be scraped or pushed unless it says its own. */
export function casesOf(scenario: Scenario, ways: readonly Way[]): readonly AlertCase[] {
  const { alerts, silent = [], pace = PACE } = scenario;
  const further = FURTHER_CASES.filter((one) => one.scenario === scenario);
  const metrics = metricsOfAlerts([...alerts, ...silent, ...further.map(({ alert }) => alert)]);
  const recording = cut(keptRecording(scenario), metrics);
  return [
    ...alerts.flatMap((alert) =>
      ways.filter(({ without = [] }) => !without.includes(alert)).map(({ without: _, ends = [], ...way }) => ({
        alert,
        recording,
        pace,
        ...way,
        fires: !ends.includes(alert),
      }))
    ),
    ...silent.map((alert) => ({ alert, recording, pace, fires: false })),
    ...further.map((one) => furtherCase(one, { recording, pace })),
  ];
}

/** How a scenario's programs are scraped. */
export interface Way extends Pick<AlertCase, "beside" | "isPushed" | "replicas"> {
  /** Alerts of which nothing can be said then. */
  readonly without?: readonly string[];
  /** Alerts that are rightly silent then. */
  readonly ends?: readonly string[];
}

/** What Prometheus would have if there were no other metrics. */
function cut(recording: Recording, metrics: ReadonlySet<string>): Recording {
  const pages = [...recording.pages].map(([target, page]) => {
    const kept = [...page].filter(([series]) => series === "up" || metrics.has(series.split("{")[0] ?? ""));
    return [target, new Map(kept)] as const;
  });
  return { ...recording, pages: new Map(pages) };
}

/** An alert in a scenario that says more of it than that it fires and resolves. */
export interface FurtherCase extends NamedCase, Pick<AlertCase, "beside" | "fires" | "replicas" | "fleet"> {
  /** What must be so. */
  readonly claim: string;
  /** In place of the scenario's. */
  readonly pace?: number;
  /** What a series shows in place of what was recorded, as of a larger fleet, by the number of the step. */
  readonly shows?: Shows;
}

type Shows = (series: string, value: number, step: number) => number;

function furtherCase({ shows, ...further }: FurtherCase, recorded: Pick<AlertCase, "recording" | "pace">): AlertCase {
  const one = { ...recorded, ...further };
  return shows === undefined ? one : { ...one, recording: shown(one.recording, shows) };
}

function shown(recording: Recording, shows: Shows): Recording {
  const pages = [...recording.pages].map(([target, page]) => {
    const all = [...page].map(([series, values]): [string, Values] => [
      series,
      values.map((value, step) => value === undefined ? undefined : shows(series, value, step)),
    ]);
    return [target, new Map(all)] as const;
  });
  return { ...recording, pages: new Map(pages) };
}

/** Slow enough for what is broken in {@linkcode BROKER_KILLED} and {@linkcode AGENT_KILLED} to be so for 25 hours. */
const A_DAY_AND_MORE = 6_000;

/** What else must hold of alerts: when one of two replicas fails, and when nobody is at fault. */
export const FURTHER_CASES: readonly FurtherCase[] = [
  {
    claim: "fires when 40 of 5,000 are lost at once, which is less than a hundredth",
    ...{ alert: "BrokkrManyAgentsDisconnected", scenario: FORTY_LOST, fleet: "thousands" },
    shows: (series, value) => series === 'brokkr_agents{connectivity="connected"}' ? value + 4_940 : value,
  },
  {
    claim: "fires when 50 of 10,000 are refused at once, which is less than a hundredth",
    ...{ alert: "BrokkrManyDeliveriesStuck", scenario: BAD_DEPLOY, fleet: "thousands" },
    shows: (series, value) => {
      if (series === 'brokkr_deliveries{state="applied"}') return value + 9_900;
      return series === 'brokkr_deliveries{state="failed"}' ? value * 10 : value;
    },
  },
  {
    claim: "is silent when one of eight is lost, which is more than a tenth and nobody's night",
    ...{ alert: "BrokkrManyAgentsDisconnected", scenario: AGENT_LOST, fires: false, fleet: "small" },
    shows: (series, value) => series === 'brokkr_agents{connectivity="connected"}' ? value - 12 : value,
  },
  {
    claim: "is silent while one is late and not lost yet",
    ...{ alert: "BrokkrAllAgentsLost", scenario: AGENT_KILLED, fires: false, fleet: "late" },
    shows: (series, value) => series === 'brokkr_agents{connectivity="late"}' ? value + 1 : value,
  },
  {
    claim: "is silent while two of three connections are busy",
    ...{ alert: "BrokkrDatabasePoolFull", scenario: POOL_FULL, fires: false, fleet: "half" },
    shows: (series, value) =>
      /^brokkr_database_pool_connections\{.*state="busy"/.test(series) ? Math.ceil(value / 2) : value,
  },
  {
    claim: "fires while one of nine is late, which uses up in three days what a month allows",
    ...{ alert: "BrokkrDeliveriesLateSlow", scenario: CLAIMS_PENDING, fleet: "dozens" },
    shows: mostInTime,
  },
  {
    claim: "is silent while one of nine is late",
    ...{ alert: "BrokkrDeliveriesLateFast", scenario: CLAIMS_PENDING, fires: false, fleet: "dozens" },
    shows: mostInTime,
  },
  {
    claim: "is silent while fewer and fewer wait",
    ...{ alert: "BrokkrAgentReportsPending", scenario: REPORTS_REFUSED, fires: false, fleet: "catching-up" },
    shows: (series, value, step) => series === "brokkr_agent_reports_pending" && value > 0 ? 1_000 - step : value,
  },
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

/** Eight work in time for each one that is late: in the recording one is late a step. */
function mostInTime(series: string, value: number, step: number): number {
  return series === 'brokkr_delivery_slo_total{result="in_time"}' ? value + 8 * step : value;
}

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
