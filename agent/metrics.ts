import { KUBERNETES_OPERATIONS, KUBERNETES_RESULTS } from "$lib/kubernetes.ts";
import { counter, type FamiliesOf, gauge, histogram } from "$lib/metrics.ts";

const SECONDS_SLOW = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How a poll can end. */
export const POLL_RESULTS = ["success", "error", "empty"] as const;
/** One of {@linkcode POLL_RESULTS}. */
export type PollResult = (typeof POLL_RESULTS)[number];

/** Every metric of the agent's own. */
export const AGENT_METRICS = {
  pollRequests: counter({
    name: "brokkr_agent_poll_requests_total",
    help: "Polls of the broker; empty is an unchanged snapshot, or one without stacks.",
    labels: { result: POLL_RESULTS },
  }),
  pollDuration: histogram({
    name: "brokkr_agent_poll_duration_seconds",
    unit: "s",
    help: "Time of a poll of the broker, failed ones too.",
    buckets: SECONDS_SLOW,
  }),
  kubernetesOperations: counter({
    name: "brokkr_agent_kubernetes_operations_total",
    help: "Requests to the API server, retried ones each time.",
    labels: { operation: KUBERNETES_OPERATIONS, result: KUBERNETES_RESULTS },
  }),
  kubernetesDuration: histogram({
    name: "brokkr_agent_kubernetes_operation_duration_seconds",
    unit: "s",
    help: "Time of a request to the API server.",
    labels: { operation: KUBERNETES_OPERATIONS },
    buckets: SECONDS_SLOW,
  }),
  heartbeatsSent: counter({
    name: "brokkr_agent_heartbeat_sent_total",
    help: "Heartbeats that the broker acknowledged.",
  }),
  lastSuccessfulPoll: gauge({
    name: "brokkr_agent_last_successful_poll_timestamp",
    help: "When a poll last succeeded, in seconds since the Unix epoch; 0 before the first.",
    initial: 0,
  }),
};

/** The agent's metrics, registered. */
export type AgentMetrics = FamiliesOf<typeof AGENT_METRICS>;
