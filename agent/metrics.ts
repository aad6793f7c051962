import { KUBERNETES_OPERATIONS, KUBERNETES_RESULTS } from "$lib/kubernetes.ts";
import { counter, forget, gauge, histogram, type InstrumentsOf } from "$lib/metrics.ts";
import { HEALTH_STATUSES, ObjectAction } from "$lib/wire/event.ts";
import { TURN_RESULTS } from "./kube/outcome.ts";

const SECONDS_SLOW = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const SECONDS_OF_TURNS = [...SECONDS_SLOW, 60, 120, 300, 600];

/** How a poll can end. */
const POLL_RESULTS = ["success", "error", "empty"] as const;
/** One of {@linkcode POLL_RESULTS}. */
export type PollResult = (typeof POLL_RESULTS)[number];

/** Every metric of the agent's own. */
export const AGENT_METRICS = {
  pollRequests: counter({
    name: "brokkr_agent_poll_requests_total",
    help: "Polls of the broker; empty is an unchanged snapshot, or one without stacks.",
    labels: { result: POLL_RESULTS },
    example: 'sum by (job) (rate(brokkr_agent_poll_requests_total{result="error"}[5m]))',
  }),
  pollDuration: histogram({
    name: "brokkr_agent_poll_duration_seconds",
    unit: "s",
    help: "Time of a poll of the broker, failed ones too.",
    buckets: SECONDS_SLOW,
    example: "histogram_quantile(0.95, sum by (le) (rate(brokkr_agent_poll_duration_seconds_bucket[5m])))",
  }),
  kubernetesOperations: counter({
    name: "brokkr_agent_kubernetes_operations_total",
    help:
      "Requests to the API server, retried ones each time, without reads that the agent cut short; refused is a no to one object, error a fault or no answer at all.",
    labels: { operation: KUBERNETES_OPERATIONS, result: KUBERNETES_RESULTS },
    example: 'sum by (operation) (rate(brokkr_agent_kubernetes_operations_total{result="error"}[5m]))',
  }),
  kubernetesDuration: histogram({
    name: "brokkr_agent_kubernetes_operation_duration_seconds",
    unit: "s",
    help: "Time of a request to the API server; of a watch, until it is open.",
    labels: { operation: KUBERNETES_OPERATIONS },
    buckets: SECONDS_SLOW,
    example:
      "histogram_quantile(0.95, sum by (le, operation) (rate(brokkr_agent_kubernetes_operation_duration_seconds_bucket[5m])))",
  }),
  heartbeatsSent: counter({
    name: "brokkr_agent_heartbeat_sent_total",
    help: "Heartbeats that the broker acknowledged.",
    example: "rate(brokkr_agent_heartbeat_sent_total[5m])",
  }),
  lastSuccessfulPoll: gauge({
    name: "brokkr_agent_last_successful_poll_timestamp",
    help: "When a poll last succeeded, in seconds since the Unix epoch; 0 before the first.",
    initial: 0,
    example: "time() - brokkr_agent_last_successful_poll_timestamp",
  }),
  reconciliations: counter({
    name: "brokkr_agent_reconciliations_total",
    help: "Turns at a stack, by how they ended; a removal that worked is applied.",
    labels: { result: TURN_RESULTS },
    example: 'sum by (result) (rate(brokkr_agent_reconciliations_total{result=~"failed|blocked"}[5m]))',
  }),
  reconcileDuration: histogram({
    name: "brokkr_agent_reconcile_duration_seconds",
    unit: "s",
    help: "Time to bring the cluster to one stack's desired state; what only waits for a person's word is not timed.",
    labels: { result: TURN_RESULTS },
    buckets: SECONDS_OF_TURNS,
    example:
      'histogram_quantile(0.95, sum by (le) (rate(brokkr_agent_reconcile_duration_seconds_bucket{result="applied"}[15m])))',
  }),
  objects: counter({
    name: "brokkr_agent_objects_total",
    help: "Objects acted on, by what was done; one that is released to its former owner is configured.",
    labels: { action: ObjectAction.options },
    example: "sum by (action) (rate(brokkr_agent_objects_total[5m]))",
  }),
  driftRepaired: counter({
    name: "brokkr_agent_drift_repaired_total",
    help: "Objects found changed or gone without a new revision, and put right.",
    example: "increase(brokkr_agent_drift_repaired_total[1h])",
  }),
  managedObjects: gauge({
    name: "brokkr_agent_managed_objects",
    help: "Objects in this agent's inventories; absent while the number of any stack is not known.",
    example: "brokkr_agent_managed_objects",
  }),
  managedObjectsHealth: gauge({
    name: "brokkr_agent_managed_objects_health",
    help:
      "Objects that this agent applied, by how well they work as it last saw; unknown are those that it could not judge, or has not looked at since they were written.",
    labels: { health: HEALTH_STATUSES },
    example: 'brokkr_agent_managed_objects_health{health=~"progressing|degraded"} > 0',
  }),
  prunesBlocked: gauge({
    name: "brokkr_agent_prunes_blocked",
    help:
      "Stacks with anything that the guard, an epoch hold or a full namespace stops from being removed now; absent before the first plan, after one that failed, and while the agent writes nothing.",
    example: "brokkr_agent_prunes_blocked > 0",
  }),
  brokerConnected: gauge({
    name: "brokkr_agent_broker_connected",
    help: "Whether the last exchange with the broker succeeded, as 1 or 0; 0 before the first.",
    initial: 0,
    example: "brokkr_agent_broker_connected == 0",
  }),
  leader: gauge({
    name: "brokkr_agent_leader",
    help: "Whether this replica works, as 1 or 0; always 1 without a Lease.",
    example: "sum by (job) (brokkr_agent_leader)",
  }),
  reportsPending: gauge({
    name: "brokkr_agent_reports_pending",
    help: "Reports that the broker has not acknowledged.",
    initial: 0,
    example: "max_over_time(brokkr_agent_reports_pending[15m])",
  }),
};

/** The agent's metrics, registered. */
export type AgentMetrics = InstrumentsOf<typeof AGENT_METRICS>;

/** Takes off the page what only the replica that works can say: its gauges, and its polls. */
export function hideWork(metrics: AgentMetrics): void {
  const { pollRequests, pollDuration, lastSuccessfulPoll, managedObjects, managedObjectsHealth } = metrics;
  const { prunesBlocked, brokerConnected, reportsPending } = metrics;
  forget(pollRequests);
  forget(pollDuration);
  forget(managedObjectsHealth);
  for (const gauge of [lastSuccessfulPoll, managedObjects, prunesBlocked, brokerConnected, reportsPending]) {
    forget(gauge);
  }
}
