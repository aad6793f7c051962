import { CONNECTION_STATES, OPERATIONS, SHARE_STATES, SHARES, TRANSACTION_STEPS } from "$lib/database.ts";
import { counter, gauge, histogram, type InstrumentsOf, type Registry } from "$lib/metrics.ts";
import { HTTP_METHODS } from "$lib/serve.ts";
import { HEALTH_STATUSES } from "$lib/wire/event.ts";
import { CONNECTIVITIES, TRANSITIONS } from "./domain/agent.ts";
import { BOUNDS } from "./domain/bounds.ts";
import { DELIVERY_STATES } from "./domain/delivery.ts";
import { DELIVERY_STAGES, SLO_RESULTS } from "./domain/delivery_times.ts";
import { AGENT_VERSIONS_MAX, REACHABILITIES } from "./domain/gauges.ts";

const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DATABASE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const DELIVERY_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
/** More than the routes, methods and statuses that there are. */
const HTTP_MAX_SERIES = 5_000;

/**
 * How an attempt to authenticate can end; `forbidden` is a role that may not use the path, or an inactive generator.
 */
export const AUTH_RESULTS = ["success", "missing", "malformed", "unknown", "forbidden"] as const;
/** One of {@linkcode AUTH_RESULTS}. */
export type AuthResult = (typeof AUTH_RESULTS)[number];

/** Every job that runs on a timer. */
export const TASKS = [
  "refresh_gauges",
  "settle",
  "count_slo",
  "note_connectivity",
  "purge_agent_events",
  "purge_deliveries",
  "purge_expired",
] as const;
/** One of {@linkcode TASKS}. */
export type Task = (typeof TASKS)[number];

/** How a run of a job can end; `skipped` is one that another replica does at this moment. */
const JOB_RESULTS = ["success", "error", "skipped"] as const;
/** One of {@linkcode JOB_RESULTS}. */
export type JobResult = (typeof JOB_RESULTS)[number];

/** Requests to the main listener, probes and scrapes too. */
export const HTTP_METRICS = {
  requests: counter({
    name: "brokkr_http_requests_total",
    help: "Requests answered, by method, route template and status; 499 when the client left before an answer.",
    labels: { method: HTTP_METHODS, endpoint: "text", status: "text" },
    maxSeries: HTTP_MAX_SERIES,
    example: 'sum by (endpoint) (rate(brokkr_http_requests_total{status=~"5.."}[5m]))',
  }),
  duration: histogram({
    name: "brokkr_http_request_duration_seconds",
    help: "Time from a request's head until its answer was ready to be sent; without those that wait for a change.",
    unit: "s",
    labels: { method: HTTP_METHODS, endpoint: "text" },
    buckets: HTTP_BUCKETS,
    example: "histogram_quantile(0.99, sum by (le, endpoint) (rate(brokkr_http_request_duration_seconds_bucket[5m])))",
  }),
  held: gauge({
    name: "brokkr_http_held_requests",
    help:
      "Requests of agents that wait to hear of a change now; agents that are told of changes at once have one each.",
    initial: 0,
    example: "sum(brokkr_http_held_requests)",
  }),
  bounded: counter({
    name: "brokkr_http_bounded_total",
    help:
      "Requests that a bound refused, delayed or ended: a body that is too large or comes too slowly, too many in flight, too many bundles that wait to be parsed, an answer that is not read on, an agent's telemetry that comes too often or of too many at once; a key that is looked up a second later, since its address failed to authenticate too often.",
    labels: { bound: BOUNDS },
    example: "sum by (bound) (rate(brokkr_http_bounded_total[5m]))",
  }),
};

/** Who asked: one attempt for each request to a path that wants a key. */
export const AUTH_METRICS = {
  attempts: counter({
    name: "brokkr_auth_attempts_total",
    help:
      "Requests to paths that want a key, by what became of it: forbidden is the key of a role that may not use the path, or of an inactive generator; success is any other known key, though what it asks for may be another's.",
    labels: { result: AUTH_RESULTS },
    example: 'sum by (result) (rate(brokkr_auth_attempts_total{result!="success"}[5m]))',
  }),
};

/** What the database door records. */
export const DATABASE_METRICS = {
  queries: counter({
    name: "brokkr_database_queries_total",
    help: "Statements sent to the database, failed ones too, by main verb.",
    labels: { operation: OPERATIONS },
    example: "sum by (operation) (rate(brokkr_database_queries_total[5m]))",
  }),
  duration: histogram({
    name: "brokkr_database_query_duration_seconds",
    help: "Time that a statement's caller waited for it, with the wait for a connection.",
    unit: "s",
    labels: { operation: OPERATIONS },
    buckets: DATABASE_BUCKETS,
    example:
      "histogram_quantile(0.95, sum by (le, operation) (rate(brokkr_database_query_duration_seconds_bucket[5m])))",
  }),
  errors: counter({
    name: "brokkr_database_query_errors_total",
    help: "Statements that failed, by main verb; those that found no connection too, but for whole transactions.",
    labels: { operation: OPERATIONS },
    example:
      "sum by (operation) (rate(brokkr_database_query_errors_total[5m])) / sum by (operation) (rate(brokkr_database_queries_total[5m]))",
  }),
  connections: gauge({
    name: "brokkr_database_connections",
    help:
      "Connections to the database: open (that for notices too), busy with a statement or a transaction, and how many may be busy.",
    labels: { state: CONNECTION_STATES },
    initial: 0,
    example:
      'brokkr_database_connections{state="busy"} / ignoring (state) (brokkr_database_connections{state="limit"} > 0)',
  }),
  pool: gauge({
    name: "brokkr_database_pool_connections",
    help:
      "Connections of each share of the pool: busy, and how many may be. hot is for keys, polls, heartbeats and reports, bulk for everything else, gauges for the gauges.",
    labels: { share: SHARES, state: SHARE_STATES },
    initial: 0,
    example:
      'max by (share) (brokkr_database_pool_connections{state="busy"} / ignoring (state) (brokkr_database_pool_connections{state="limit"} > 0))',
  }),
  transactions: histogram({
    name: "brokkr_database_transaction_duration_seconds",
    help:
      "Time that the database took to begin a transaction, once there was a connection, and to commit it, which waits for the disk. Those that are rolled back have no commit.",
    unit: "s",
    labels: { operation: TRANSACTION_STEPS },
    buckets: DATABASE_BUCKETS,
    example:
      'histogram_quantile(0.99, sum by (le) (rate(brokkr_database_transaction_duration_seconds_bucket{operation="commit"}[5m])))',
  }),
};

/** What is read from the store; on the page only while the last refresh succeeded. */
export const STORE_METRICS = {
  activeAgents: gauge({
    name: "brokkr_active_agents",
    help: "Agents, whatever their status, whose last heartbeat is younger than agents.lost_after_seconds.",
    example: "max without (instance, pod) (brokkr_active_agents)",
  }),
  agents: gauge({
    name: "brokkr_agents",
    help: "Agents of status ACTIVE, by the age of their last heartbeat: late and lost as the settings say.",
    labels: { connectivity: CONNECTIVITIES },
    example: 'max without (instance, pod) (brokkr_agents{connectivity=~"late|lost"})',
  }),
  agentsKubernetes: gauge({
    name: "brokkr_agents_kubernetes",
    help:
      "Agents of status ACTIVE, by whether they reach their API server, as those that are connected last said; unknown are all others.",
    labels: { reachable: REACHABILITIES },
    example: 'max without (instance, pod) (brokkr_agents_kubernetes{reachable="false"})',
  }),
  agentsByVersion: gauge({
    name: "brokkr_agents_by_version",
    help:
      `Agents of status ACTIVE, by the version that they last said: the ${AGENT_VERSIONS_MAX} that most have, and other; unknown where none was said.`,
    labels: { version: "text" },
    maxSeries: AGENT_VERSIONS_MAX + 1,
    example: "max without (instance, pod) (brokkr_agents_by_version)",
  }),
  heartbeatAge: gauge({
    name: "brokkr_agent_heartbeat_age_seconds",
    help:
      "Age of the oldest heartbeat among agents of status ACTIVE, or since creation for one that has never connected; 0 when there is none.",
    example: "max without (instance, pod) (brokkr_agent_heartbeat_age_seconds)",
  }),
  stacks: gauge({
    name: "brokkr_stacks_total",
    help: "Stacks that are not deleted.",
    example: "max without (instance, pod) (brokkr_stacks_total)",
  }),
  deploymentObjects: gauge({
    name: "brokkr_deployment_objects_total",
    help: "Deployment objects of all stacks that are not deleted.",
    example: "max without (instance, pod) (brokkr_deployment_objects_total)",
  }),
  deliveries: gauge({
    name: "brokkr_deliveries",
    help: "Deliveries, one for each stack of each agent, by state.",
    labels: { state: DELIVERY_STATES },
    example: 'max without (instance, pod) (brokkr_deliveries{state="failed"})',
  }),
  deliveriesHealth: gauge({
    name: "brokkr_deliveries_health",
    help:
      "Deliveries that are not removed, by how well they work; unknown are those whose agent is late or lost, or reports no health.",
    labels: { health: HEALTH_STATUSES },
    example: 'max without (instance, pod) (brokkr_deliveries_health{health="degraded"})',
  }),
  staleDeliveries: gauge({
    name: "brokkr_deliveries_stale",
    help:
      "Deliveries to agents of status ACTIVE that are late or lost: what was last said of them is no longer believed.",
    example: "max without (instance, pod) (brokkr_deliveries_stale)",
  }),
  oldestUnhealthy: gauge({
    name: "brokkr_oldest_unhealthy_delivery_age_seconds",
    help:
      "For how long the delivery that is worst off has been progressing or degraded: since it was last healthy, else since it was desired. Of connected agents of status ACTIVE; 0 when there is none.",
    example: "max without (instance, pod) (brokkr_oldest_unhealthy_delivery_age_seconds)",
  }),
  oldestPending: gauge({
    name: "brokkr_oldest_pending_delivery_age_seconds",
    help:
      "Age of the oldest pending delivery to an agent of status ACTIVE, since it was desired; 0 when there is none.",
    example: "max without (instance, pod) (brokkr_oldest_pending_delivery_age_seconds)",
  }),
  settlingLines: gauge({
    name: "brokkr_settling_lines",
    help: "Changes whose deliveries are not yet all settled.",
    example: "max without (instance, pod) (brokkr_settling_lines)",
  }),
  oldestLine: gauge({
    name: "brokkr_settling_oldest_line_age_seconds",
    help: "Age of the oldest change whose deliveries are not yet all settled; 0 when there is none.",
    example: "max without (instance, pod) (brokkr_settling_oldest_line_age_seconds)",
  }),
};

/** How long it takes until a submission is settled. */
export const SETTLING_METRICS = {
  duration: histogram({
    name: "brokkr_settling_duration_seconds",
    help:
      "Time from a submission until the deliveries to all its agents were settled, which the broker then tells them.",
    unit: "s",
    labels: {},
    buckets: DELIVERY_BUCKETS,
    example: "histogram_quantile(0.95, sum by (le) (rate(brokkr_settling_duration_seconds_bucket[5m])))",
  }),
};

/** How long deliveries take. */
export const DELIVERY_METRICS = {
  duration: histogram({
    name: "brokkr_delivery_duration_seconds",
    help:
      "Time from when an object was desired of an agent until it was delivered, until it was applied, and until it was healthy for the first time.",
    unit: "s",
    labels: { stage: DELIVERY_STAGES },
    buckets: DELIVERY_BUCKETS,
    example:
      'histogram_quantile(0.95, sum by (le) (rate(brokkr_delivery_duration_seconds_bucket{stage="applied"}[15m])))',
  }),
};

/** What is counted once in all replicas, by the one that wrote it down. */
export const COUNTED_METRICS = {
  slo: counter({
    name: "brokkr_delivery_slo_total",
    help:
      "Objects desired of agents of status ACTIVE, each counted once: in_time when it was healthy within deliveries.slo_seconds, or applied where the agent reports no health; late when that time was over. Suspended stacks are left out, and what is replaced or withdrawn before either.",
    labels: { result: SLO_RESULTS },
    example:
      'sum by (job) (rate(brokkr_delivery_slo_total{result="late"}[1h])) / sum by (job) (rate(brokkr_delivery_slo_total[1h]))',
  }),
  transitions: counter({
    name: "brokkr_connectivity_transitions_total",
    help: "How often agents, whatever their status, became connected, late and lost.",
    labels: { to: TRANSITIONS },
    example: 'sum by (job) (increase(brokkr_connectivity_transitions_total{to="lost"}[1h]))',
  }),
};

/** The jobs that run on a timer. */
export const JOB_METRICS = {
  runs: counter({
    name: "brokkr_job_runs_total",
    help: "Runs of jobs, by result: skipped is one that another replica does at this moment.",
    labels: { task: TASKS, result: JOB_RESULTS },
    example: 'sum by (task) (rate(brokkr_job_runs_total{result="error"}[5m]))',
  }),
  duration: histogram({
    name: "brokkr_job_duration_seconds",
    help: "Time of a run of a job, failed ones too, skipped ones left out.",
    unit: "s",
    labels: { task: TASKS },
    buckets: HTTP_BUCKETS,
    example: "histogram_quantile(0.95, sum by (le, task) (rate(brokkr_job_duration_seconds_bucket[15m])))",
  }),
  lastSuccess: gauge({
    name: "brokkr_job_last_success_timestamp_seconds",
    help:
      "When a job last succeeded here, in seconds since the Unix epoch; 0 before the first time. A skipped run is no success.",
    labels: { task: TASKS },
    initial: 0,
    example: 'time() - max without (instance, pod) (brokkr_job_last_success_timestamp_seconds{task="refresh_gauges"})',
  }),
};

/** Every metric of the broker's own, by where it is recorded. */
export const BROKER_METRICS = {
  http: HTTP_METRICS,
  auth: AUTH_METRICS,
  database: DATABASE_METRICS,
  store: STORE_METRICS,
  delivery: DELIVERY_METRICS,
  counted: COUNTED_METRICS,
  settling: SETTLING_METRICS,
  jobs: JOB_METRICS,
};

/** The metrics of jobs, registered. */
export type JobMetrics = InstrumentsOf<typeof JOB_METRICS>;

/** Every metric of the broker's own, registered. */
export type BrokerMetrics = {
  readonly [Place in keyof typeof BROKER_METRICS]: InstrumentsOf<(typeof BROKER_METRICS)[Place]>;
};

/** Puts every metric of the broker's own into a registry, so that what can be counted starts at 0. */
export function registerBrokerMetrics(registry: Registry): BrokerMetrics {
  return {
    http: registry.register(HTTP_METRICS),
    auth: registry.register(AUTH_METRICS),
    database: registry.register(DATABASE_METRICS),
    store: registry.register(STORE_METRICS),
    delivery: registry.register(DELIVERY_METRICS),
    counted: registry.register(COUNTED_METRICS),
    settling: registry.register(SETTLING_METRICS),
    jobs: registry.register(JOB_METRICS),
  };
}
