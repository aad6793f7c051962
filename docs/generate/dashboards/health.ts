import { PROCESS_METRICS } from "$lib/process_metrics.ts";
import { REGISTRY_METRICS } from "$lib/metrics.ts";
import { TELEMETRY_METRICS } from "$lib/telemetry/outcomes.ts";
import { AGENT_METRICS } from "../../../agent/metrics.ts";
import { AUTH_METRICS, DATABASE_METRICS, HTTP_METRICS, JOB_METRICS } from "../../../broker/metrics.ts";
import type { Dashboard, Panel, Row, Variable } from "./panel.ts";
import { NO_PROBES, Queries } from "./query.ts";
import { agentStatus, brokerStatus } from "./status.ts";

/** How one program is: its requests, what it depends on, its process. */
export function healthDashboard(component: "broker" | "agent"): Dashboard {
  const cluster: Variable = { name: "cluster", label: "Cluster", component, of: "cluster" };
  const namespace: Variable = { name: "namespace", label: "Namespace", component, of: "namespace", within: [cluster] };
  const job: Variable = { name: "job", label: "Job", component, of: "job", within: [cluster, namespace] };
  const instance: Variable = {
    name: "instance",
    label: "Instance",
    component,
    of: "instance",
    within: [cluster, namespace, job],
  };
  const variables = [cluster, namespace, job, instance];
  const queries = new Queries(variables);
  const ofReleases = new Queries([cluster, namespace, job]);
  return {
    uid: `brokkr-${component}-health`,
    title: `Brokkr / ${component === "broker" ? "Broker" : "Agent"} health`,
    description: `How each ${component} is: its requests, what it depends on, its process.`,
    variables,
    rows: [
      component === "broker" ? brokerStatus(ofReleases) : agentStatus(ofReleases),
      ...(component === "broker" ? brokerRows(queries, ofReleases) : agentRows(queries)),
      processRow(queries),
      telemetryRow(queries),
    ],
  };
}

const LINES = { shows: "lines", unit: "none" } as const;

function brokerRows(queries: Queries, ofReleases: Queries): readonly Row[] {
  return [
    { title: "Requests", panels: requestPanels(queries, ofReleases) },
    { title: "Database", panels: databasePanels(queries) },
    { title: "Jobs", panels: jobPanels(queries) },
  ];
}

function requestPanels(queries: Queries, ofReleases: Queries): readonly Panel[] {
  const { requests, duration, held, bounded } = HTTP_METRICS;
  const { attempts } = AUTH_METRICS;
  const noProbes = "Probes and scrapes are left out.";
  return [
    {
      ...{ ...LINES, title: "Requests", description: `${requests.help} ${noProbes}`, unit: "reqps" },
      queries: queries.busy(requests, { by: ["method", "endpoint"], where: NO_PROBES }),
    },
    {
      ...{ ...LINES, title: "Share that fails", unit: "percentunit" },
      description: "Which share is answered with a status of 500 or more, of agents' requests and of all others.",
      queries: [
        ofReleases.lookedAt("BrokkrHttpErrors", { of: "pages", legend: "people and tools" }),
        ofReleases.lookedAt("BrokkrAgentRequestErrors", { of: "pages", legend: "agents" }),
      ],
    },
    {
      ...{ ...LINES, title: "Refused and failed", unit: "reqps" },
      description: `Answers with a status of 400 or more, by path and status. ${noProbes}`,
      queries: queries.busy(requests, { by: ["endpoint", "status"], where: `status=~"[45]..", ${NO_PROBES}` }),
    },
    {
      ...{ ...LINES, title: "Time to answer, p99", unit: "s" },
      description: "What one answer in a hundred exceeds, of those to agents and of all others.",
      queries: [
        ofReleases.lookedAt("BrokkrHttpLatency", { of: "pages", legend: "people and tools" }),
        ofReleases.lookedAt("BrokkrAgentRequestLatency", { of: "pages", legend: "agents" }),
      ],
    },
    {
      ...{ ...LINES, title: "Time to answer", description: `${duration.help} ${noProbes}`, unit: "s" },
      queries: queries.percentiles(duration, { where: NO_PROBES }),
    },
    {
      ...{ ...LINES, title: "Time to answer, p95 by path", description: `${duration.help} ${noProbes}`, unit: "s" },
      queries: [queries.slow(duration, { by: ["endpoint"], where: NO_PROBES })],
    },
    {
      ...{ ...LINES, title: "Agents that wait for changes", description: held.help },
      queries: [queries.each(held)],
    },
    {
      ...{ ...LINES, title: "Keys that are refused", description: attempts.help, unit: "reqps" },
      queries: [
        queries.rate(attempts, { by: ["result"], where: 'result!="success"' }),
      ],
    },
    {
      ...{ ...LINES, title: "Refused or delayed by a bound", description: bounded.help, unit: "reqps" },
      queries: [queries.rate(bounded, { by: ["bound"] })],
    },
  ];
}

function databasePanels(queries: Queries): readonly Panel[] {
  const { queries: statements, duration, errors, connections, pool, transactions } = DATABASE_METRICS;
  return [
    {
      ...{ ...LINES, title: "Statements", description: statements.help, unit: "ops" },
      queries: [queries.rate(statements, { by: ["operation"] })],
    },
    {
      ...{ ...LINES, title: "Statements that fail", description: errors.help, unit: "ops" },
      queries: [queries.rate(errors, { by: ["operation"] })],
    },
    {
      ...{ ...LINES, title: "Connections", description: connections.help },
      queries: [queries.each(connections)],
    },
    {
      ...{ ...LINES, title: "Shares of the pool", description: pool.help },
      queries: [queries.each(pool)],
    },
    {
      ...{ ...LINES, title: "Begin and commit, p95", description: transactions.help, unit: "s" },
      queries: [queries.slow(transactions, { by: ["operation"] })],
    },
    {
      ...{ ...LINES, title: "Time of a statement", description: duration.help, unit: "s" },
      queries: queries.percentiles(duration),
    },
    {
      ...{ ...LINES, title: "Time of a statement, p95 by kind", description: duration.help, unit: "s" },
      queries: [queries.slow(duration, { by: ["operation"] })],
    },
  ];
}

function jobPanels(queries: Queries): readonly Panel[] {
  const { runs, duration, lastSuccess } = JOB_METRICS;
  return [
    {
      ...{ ...LINES, title: "Runs in an hour", description: runs.help },
      queries: [queries.hourly(runs, { by: ["task", "result"] })],
    },
    {
      ...{ ...LINES, title: "Time of a run, p95", description: duration.help, unit: "s" },
      queries: [queries.slow(duration, { by: ["task"] })],
    },
    {
      ...{ ...LINES, title: "Since the last success", unit: "s" },
      description: "How long ago a job last succeeded, on any replica; one that never did is left out.",
      queries: [queries.since(lastSuccess)],
    },
  ];
}

function agentRows(queries: Queries): readonly Row[] {
  return [
    { title: "Broker", panels: exchangePanels(queries) },
    { title: "Kubernetes", panels: kubernetesPanels(queries) },
    { title: "Stacks", panels: stackPanels(queries) },
  ];
}

function exchangePanels(queries: Queries): readonly Panel[] {
  const { pollRequests, pollDuration, heartbeatsSent, lastSuccessfulPoll, brokerConnected, reportsPending } =
    AGENT_METRICS;
  return [
    {
      ...{ ...LINES, title: "Polls", description: pollRequests.help, unit: "reqps" },
      queries: [queries.rate(pollRequests, { by: ["result"] })],
    },
    {
      ...{ ...LINES, title: "Time of a poll", description: pollDuration.help, unit: "s" },
      queries: queries.percentiles(pollDuration),
    },
    {
      ...{ ...LINES, title: "Since the last successful poll", unit: "s" },
      description: "How long ago a poll last succeeded; an agent that never had one is left out.",
      queries: [queries.since(lastSuccessfulPoll)],
    },
    {
      ...{ ...LINES, title: "Heartbeats", description: heartbeatsSent.help, unit: "ops" },
      queries: [queries.rate(heartbeatsSent, { by: ["instance"] })],
    },
    {
      ...{ ...LINES, title: "Connected to the broker", description: brokerConnected.help },
      queries: [queries.each(brokerConnected)],
    },
    {
      ...{ ...LINES, title: "Reports not yet acknowledged", description: reportsPending.help },
      queries: [queries.each(reportsPending)],
    },
  ];
}

function kubernetesPanels(queries: Queries): readonly Panel[] {
  const { kubernetesOperations, kubernetesDuration } = AGENT_METRICS;
  return [
    {
      ...{ ...LINES, title: "Requests", description: kubernetesOperations.help, unit: "ops" },
      queries: [queries.rate(kubernetesOperations, { by: ["operation"] })],
    },
    {
      ...{ ...LINES, title: "Requests that fail", description: kubernetesOperations.help, unit: "ops" },
      queries: [queries.rate(kubernetesOperations, { by: ["operation"], where: 'result="error"' })],
    },
    {
      ...{ ...LINES, title: "Requests that are refused", description: kubernetesOperations.help, unit: "ops" },
      queries: [queries.rate(kubernetesOperations, { by: ["operation"], where: 'result="refused"' })],
    },
    {
      ...{ ...LINES, title: "Time of a request, p95 by kind", description: kubernetesDuration.help, unit: "s" },
      queries: [queries.slow(kubernetesDuration, { by: ["operation"] })],
    },
  ];
}

function stackPanels(queries: Queries): readonly Panel[] {
  const { reconciliations, reconcileDuration, objects, driftRepaired, managedObjects, prunesBlocked, leader } =
    AGENT_METRICS;
  const { managedObjectsHealth } = AGENT_METRICS;
  return [
    {
      ...{ ...LINES, title: "Stacks worked on", description: reconciliations.help, unit: "ops" },
      queries: [queries.rate(reconciliations, { by: ["result"] })],
    },
    {
      ...{ ...LINES, title: "Time of a stack", description: reconcileDuration.help, unit: "s" },
      queries: queries.percentiles(reconcileDuration),
    },
    {
      ...{ ...LINES, title: "Objects acted on", description: objects.help, unit: "ops" },
      queries: [queries.rate(objects, { by: ["action"] })],
    },
    {
      ...{ ...LINES, title: "Drift put right", description: driftRepaired.help, unit: "ops" },
      queries: [queries.rate(driftRepaired, { by: ["instance"] })],
    },
    {
      ...{ ...LINES, title: "Objects in the inventory", description: managedObjects.help },
      queries: [queries.each(managedObjects)],
    },
    {
      ...{ ...LINES, title: "Objects by health", description: managedObjectsHealth.help },
      queries: [queries.each(managedObjectsHealth)],
    },
    {
      ...{ ...LINES, title: "Removals held", description: prunesBlocked.help },
      queries: [queries.each(prunesBlocked)],
    },
    {
      ...{ ...LINES, title: "Which replica works", description: leader.help },
      queries: [queries.each(leader)],
    },
  ];
}

function processRow(queries: Queries): Row {
  const { cpu, residentMemory, heapUsed, eventLoopLag, startTime } = PROCESS_METRICS;
  const { scrapeDuration, seriesRejected } = REGISTRY_METRICS;
  return {
    title: "Process",
    isCollapsed: true,
    panels: [
      {
        ...{ ...LINES, title: "Processor", description: `${cpu.help} 1 is one whole processor.` },
        queries: [queries.rate(cpu, { by: ["instance"] })],
      },
      {
        ...{ ...LINES, title: "Memory", description: residentMemory.help, unit: "bytes" },
        queries: [queries.each(residentMemory)],
      },
      {
        ...{ ...LINES, title: "JavaScript heap", description: heapUsed.help, unit: "bytes" },
        queries: [queries.each(heapUsed)],
      },
      {
        ...{ ...LINES, title: "Event-loop lag", description: eventLoopLag.help, unit: "s" },
        queries: queries.percentiles(eventLoopLag),
      },
      {
        ...{ ...LINES, title: "Running for", description: "How long ago the process started.", unit: "s" },
        queries: [queries.since(startTime)],
      },
      {
        ...{ ...LINES, title: "Time of a scrape", description: scrapeDuration.help, unit: "s" },
        queries: [queries.each(scrapeDuration)],
      },
      {
        ...{ ...LINES, title: "Series rejected", description: seriesRejected.help, unit: "ops" },
        queries: [queries.rate(seriesRejected, { by: ["instance"] })],
      },
    ],
  };
}

/** Empty where nothing is sent. */
function telemetryRow(queries: Queries): Row {
  const { exports, dropped, lastSuccess } = TELEMETRY_METRICS;
  return {
    title: "Telemetry that is sent",
    isCollapsed: true,
    panels: [
      {
        ...{ ...LINES, title: "Requests that sent telemetry", description: exports.help, unit: "reqps" },
        queries: [queries.rate(exports, { by: ["signal", "result"] })],
      },
      {
        ...{ ...LINES, title: "Telemetry that is lost", description: dropped.help, unit: "ops" },
        queries: [queries.rate(dropped, { by: ["signal", "reason"] })],
      },
      {
        ...{ ...LINES, title: "Since telemetry was last taken", unit: "s" },
        description: "How long ago its receiver last took a signal; one that was never taken is left out.",
        queries: [queries.since(lastSuccess)],
      },
    ],
  };
}
