import type { Labels } from "../alertmanager/alertmanager.ts";
import type { Scenario } from "./scenario.ts";
import { AGENT_KILLED, BROKER_KILLED } from "./scenarios/agents.ts";
import { DATABASE_STOPPED } from "./scenarios/databases.ts";
import { BAD_DEPLOY, FORTY_LOST } from "./scenarios/fleets.ts";
import { SUBMISSIONS_FAIL } from "./scenarios/requests.ts";
import { CRASH_LOOP } from "./scenarios/restarts.ts";

/** What goes wrong in one installation, all that fires then, and what of it is sent. */
export interface Outage {
  readonly name: string;
  readonly firing: readonly Labels[];
  /** Names of alerts, in the order of the alphabet: those who is on call gets. */
  readonly pages: readonly string[];
  /** The same, of those that wait for the day. */
  readonly tickets: readonly string[];
}

/** Clusters whose agents are scraped by the same Prometheus as their broker. */
const CLUSTERS = ["east", "north", "west"];

/** Outages as scenarios record them, in an installation of which every agent is scraped, too. */
export const OUTAGES: readonly Outage[] = [
  {
    name: "PostgreSQL is stopped",
    firing: [...of(DATABASE_STOPPED), ...ofAgents("BrokkrAgentPollsFailing", "BrokkrAgentNoSuccessfulPoll")],
    pages: ["BrokkrDatabaseErrors"],
    tickets: [],
  },
  {
    name: "the only broker is gone",
    firing: [...of(BROKER_KILLED), ...ofAgents("BrokkrAgentPollsFailing", "BrokkrAgentNoSuccessfulPoll")],
    pages: ["BrokkrBrokerGone"],
    tickets: [],
  },
  {
    name: "the only agent is gone",
    firing: of(AGENT_KILLED),
    pages: ["BrokkrAllAgentsLost"],
    tickets: [],
  },
  {
    name: "a region of 40 agents is gone",
    firing: [
      ...of(FORTY_LOST),
      ...named("BrokkrAgentDisconnected", "BrokkrDeliveryPending"),
      ...ofAgents("BrokkrAgentDown", "BrokkrAgentGone"),
    ],
    pages: ["BrokkrManyAgentsDisconnected"],
    tickets: [],
  },
  {
    name: "one agent of many is gone",
    firing: named("BrokkrAgentDisconnected", "BrokkrAgentGone"),
    pages: [],
    tickets: ["BrokkrAgentDisconnected", "BrokkrAgentGone"],
  },
  {
    name: "a change is wrong in many places",
    firing: [...of(BAD_DEPLOY), ...named("BrokkrDeliveriesFailing"), ...ofAgents("BrokkrAgentTurnsFailing")],
    pages: ["BrokkrManyDeliveriesStuck"],
    tickets: [],
  },
  {
    name: "submissions fail, and nothing else",
    firing: of(SUBMISSIONS_FAIL),
    pages: [],
    tickets: ["BrokkrEndpointErrors"],
  },
  {
    name: "programs end again and again",
    firing: of(CRASH_LOOP),
    pages: [],
    tickets: ["BrokkrAgentRestarting", "BrokkrBrokerRestarting"],
  },
];

function of({ alerts }: Scenario): readonly Labels[] {
  return named(...alerts);
}

function named(...alerts: readonly string[]): readonly Labels[] {
  return alerts.map((alertname) => ({ alertname }));
}

function ofAgents(...alerts: readonly string[]): readonly Labels[] {
  return CLUSTERS.flatMap((cluster) => alerts.map((alertname) => ({ alertname, cluster })));
}
