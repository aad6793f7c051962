import type { Scenario } from "../scenario.ts";
import { AGENT_KILLED, BROKER_KILLED, CLOCK_BEHIND, LEASE_LOST, POLLS_FAIL } from "./agents.ts";
import {
  API_SERVER_AWAY,
  API_SERVER_SLOW,
  DELETED_BY_HAND,
  MANIFEST_REFUSED,
  NAMESPACE_IN_USE,
  REMOVAL_BLOCKED,
  REMOVALS_HELD,
  ROLLOUT,
  TURNS_FAIL,
} from "./clusters.ts";
import { DATABASE_SLOW, DATABASE_STOPPED, JOB_FAILS, JOB_MISSED, NAMES_TAKEN, SETTLING_STUCK } from "./databases.ts";
import { AGENT_BEHIND, HEALTHY_DAY, UPGRADE } from "./days.ts";
import { AGENT_LOST, BAD_DEPLOY, FORTY_LOST } from "./fleets.ts";
import { KEYS_REJECTED, POOL_FULL, REPORTS_REFUSED, SUBMISSIONS_FAIL, SUBMISSIONS_SLOW } from "./requests.ts";
import { CRASH_LOOP } from "./restarts.ts";
import { AGENT_SILENT, CLAIMS_PENDING } from "./health.ts";
import { PAGE_FULL } from "./series.ts";
import { RECEIVER_FAILS } from "./telemetry.ts";

/** Everything that goes wrong so that alerts fire. */
export const SCENARIOS: readonly Scenario[] = [
  AGENT_KILLED,
  BROKER_KILLED,
  POLLS_FAIL,
  LEASE_LOST,
  CRASH_LOOP,
  FORTY_LOST,
  BAD_DEPLOY,
  TURNS_FAIL,
  REPORTS_REFUSED,
  ROLLOUT,
  DELETED_BY_HAND,
  API_SERVER_AWAY,
  API_SERVER_SLOW,
  MANIFEST_REFUSED,
  CLAIMS_PENDING,
  AGENT_SILENT,
  REMOVALS_HELD,
  NAMESPACE_IN_USE,
  REMOVAL_BLOCKED,
  DATABASE_STOPPED,
  DATABASE_SLOW,
  POOL_FULL,
  SUBMISSIONS_FAIL,
  SUBMISSIONS_SLOW,
  KEYS_REJECTED,
  NAMES_TAKEN,
  SETTLING_STUCK,
  JOB_FAILS,
  JOB_MISSED,
  PAGE_FULL,
  RECEIVER_FAILS,
  AGENT_LOST,
  CLOCK_BEHIND,
  UPGRADE,
  AGENT_BEHIND,
  HEALTHY_DAY,
];

/** Those in which nothing is at fault. */
export const HARMLESS: readonly Scenario[] = [ROLLOUT, UPGRADE, CLOCK_BEHIND];

/** Those of which a page tells what fires, in its order. */
export const PLAYED: readonly Scenario[] = [...HARMLESS, DATABASE_STOPPED, BROKER_KILLED, CRASH_LOOP];
