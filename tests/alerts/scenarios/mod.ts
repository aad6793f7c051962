import type { Scenario } from "../scenario.ts";
import { AGENT_KILLED, BROKER_KILLED, LEASE_LOST, POLLS_FAIL } from "./agents.ts";
import {
  API_SERVER_AWAY,
  API_SERVER_SLOW,
  MANIFEST_REFUSED,
  NAMESPACE_IN_USE,
  REMOVAL_BLOCKED,
  REMOVALS_HELD,
  ROLLOUT,
} from "./clusters.ts";
import { DATABASE_SLOW, DATABASE_STOPPED, JOB_FAILS, JOB_MISSED, NAMES_TAKEN, SETTLING_STUCK } from "./databases.ts";
import { PAGE_FULL } from "./series.ts";
import { RECEIVER_FAILS } from "./telemetry.ts";

/** Everything that goes wrong so that alerts fire. */
export const SCENARIOS: readonly Scenario[] = [
  AGENT_KILLED,
  BROKER_KILLED,
  POLLS_FAIL,
  LEASE_LOST,
  ROLLOUT,
  API_SERVER_AWAY,
  API_SERVER_SLOW,
  MANIFEST_REFUSED,
  REMOVALS_HELD,
  NAMESPACE_IN_USE,
  REMOVAL_BLOCKED,
  DATABASE_STOPPED,
  DATABASE_SLOW,
  NAMES_TAKEN,
  SETTLING_STUCK,
  JOB_FAILS,
  JOB_MISSED,
  PAGE_FULL,
  RECEIVER_FAILS,
];
