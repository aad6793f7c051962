import { OPERATIONS } from "$lib/database.ts";
import { counter, gauge, histogram } from "$lib/metrics.ts";
import { HTTP_METHODS } from "$lib/serve.ts";

const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DATABASE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** More than the routes, methods and statuses that there are. */
const HTTP_MAX_SERIES = 5_000;

/** Requests to the main listener, probes and scrapes too. */
export const HTTP_METRICS = {
  requests: counter({
    name: "brokkr_http_requests_total",
    help: "Requests answered, by method, route template and status; 499 when the client left before an answer.",
    labels: { method: HTTP_METHODS, endpoint: "text", status: "text" },
    maxSeries: HTTP_MAX_SERIES,
  }),
  duration: histogram({
    name: "brokkr_http_request_duration_seconds",
    help: "Time from a request's head until its answer was sent, held requests left out.",
    unit: "s",
    labels: { method: HTTP_METHODS, endpoint: "text" },
    buckets: HTTP_BUCKETS,
  }),
};

/** What the database door records. */
export const DATABASE_METRICS = {
  queries: counter({
    name: "brokkr_database_queries_total",
    help: "Statements sent to the database, failed ones too, by main verb.",
    labels: { operation: OPERATIONS },
  }),
  duration: histogram({
    name: "brokkr_database_query_duration_seconds",
    help: "Time that a statement's caller waited for it.",
    unit: "s",
    labels: { operation: OPERATIONS },
    buckets: DATABASE_BUCKETS,
  }),
};

/** What is read from the store; on the page only while the last refresh succeeded. */
export const STORE_METRICS = {
  activeAgents: gauge({
    name: "brokkr_active_agents",
    help: "Agents, whatever their status, whose last heartbeat is younger than agents.lost_after_seconds.",
  }),
  stacks: gauge({ name: "brokkr_stacks_total", help: "Stacks that are not deleted." }),
  deploymentObjects: gauge({
    name: "brokkr_deployment_objects_total",
    help: "Deployment objects of all stacks that are not deleted.",
  }),
  heartbeatAge: gauge({
    name: "brokkr_agent_heartbeat_age_seconds",
    help: "Age of the oldest heartbeat among agents of status ACTIVE; 0 when there is none.",
  }),
};
