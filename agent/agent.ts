import type { Registry } from "$lib/metrics.ts";
import { createMetricsPage, type Listening, type MetricsPage } from "$lib/serve/metrics_page.ts";
import { listen, type Listener } from "$lib/serve/listener.ts";
import { createRequestHandler, type RequestHandler } from "$lib/serve.ts";
import { type DoorParts, inventoryNamespace, openBroker, openCluster, pakReader, podOf } from "./doors.ts";
import { Identity } from "./loops/identity.ts";
import { runLoops } from "./loops/loops.ts";
import { AGENT_METRICS, hideWork } from "./metrics.ts";
import { keyDigest } from "./plan/kept_snapshot.ts";
import { createKeptStore } from "./kube/records/kept_snapshot_store.ts";
import { createReconciler, type ReconcilerParts } from "./kube/reconcile.ts";
import { Status } from "./status.ts";
import { objectCounter } from "./deliver/turn_meter.ts";

/** What an agent is made of; several may run in one process. */
export interface AgentParts extends DoorParts {
  readonly newId: () => string;
  /** Hears who the agent is, by the broker's own word: whoever sends its telemetry has to know. */
  readonly onIdentified?: (agentId: string) => void;
  /** A disabled one where metrics are off: then there is no page, and nothing is collected. */
  readonly registry: Registry;
}

/** The agent program, made but not started. */
export interface Agent {
  /** Answers `/healthz`, `/readyz` and `/metrics`, whether or not anything listens. */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * Listens and runs the loops; neither the broker nor the API server has to be there.
   *
   * @returns Where it listens.
   * @throws {Failure} `cannot_listen` when the address can't be had.
   */
  start(): Promise<Listening>;
  /** Rejects when the loops have ended by a bug, so that nothing is done any more. */
  readonly failed: Promise<never>;
  /** Finishes the objects in hand, sends what can be sent in 10 s, and listens no more. */
  stop(): Promise<void>;
}

const REQUESTS_GRACE_MS = 1_000;

/**
 * Makes an agent. Asks neither broker nor API server for anything.
 *
 * @throws {Failure} `invalid_settings` when there is no usable kubeconfig.
 */
export async function createAgent(parts: AgentParts): Promise<Agent> {
  const { settings, clock, log, registry } = parts;
  const metrics = registry.register(AGENT_METRICS);
  const kubernetes = await openCluster(parts, metrics);
  const page = createMetricsPage({ settings, registry, clock, log });
  const status = new Status();
  let isLeading = !settings["agent.lease"];
  const onLeading = (isNow: boolean) => {
    isLeading = isNow;
    metrics.leader.record(Number(isNow));
    if (settings["agent.lease"]) status.heardLease(isNow);
    if (isNow) metrics.brokerConnected.record(0);
    else hideWork(metrics);
  };
  onLeading(isLeading);
  const broker = openBroker(parts, {
    connected: { record: (value) => isLeading && metrics.brokerConnected.record(value) },
    onExchange: (failure) => status.heardBroker(failure),
  });
  const expected = {
    name: settings["agent.agent_name"],
    clusterName: settings["agent.cluster_name"],
    generatorIds: settings["agent.generator_ids"],
  };
  const readPak = pakReader(settings);
  const kept = createKeptStore({
    kubernetes,
    log,
    namespace: inventoryNamespace(settings, kubernetes),
    owner: { agentName: expected.name, clusterName: expected.clusterName },
    keyDigest: async () => keyDigest(await readPak()),
  });
  const identity = new Identity({ broker, log, expected, kept, onIdentified: parts.onIdentified });
  const handler = createRequestHandler({
    readiness: () => Promise.resolve(status.readiness(identity.mismatch)),
    metrics: page.onMain,
    clock,
    log,
  });
  const run = (signal: AbortSignal) =>
    runLoops({
      ...parts,
      metrics,
      broker,
      kubernetes,
      identity,
      namespace: inventoryNamespace(settings, kubernetes),
      onLeading,
      kept,
      makeReconciler: (agentId) => reconcilerFor(agentId, parts, { kubernetes, acted: objectCounter(metrics) }),
      onProbe: (probe) => status.heardKubernetes(probe),
    }, signal);
  return assembled({ ...parts, handler, page, status, doors: [kubernetes, broker], run });
}

type Cluster = Pick<ReconcilerParts, "kubernetes" | "acted">;

function reconcilerFor(
  agentId: string,
  { settings, env, clock, log, tracing }: AgentParts,
  { kubernetes, acted }: Cluster,
) {
  return createReconciler({
    kubernetes,
    acted,
    clock,
    log,
    tracing,
    agentId,
    inventoryNamespace: inventoryNamespace(settings, kubernetes),
    defaultNamespace: settings["agent.watch_namespace"],
    formerManagers: settings["agent.former_managers"],
    ignoreInNamespaces: settings["agent.ignore_in_namespaces"],
    impersonatesGenerators: settings["agent.impersonate_generators"],
    pod: podOf({ settings, env }, kubernetes),
  });
}

interface Assembly extends AgentParts {
  readonly handler: RequestHandler;
  readonly page: MetricsPage;
  readonly status: Status;
  /** What is closed at the end. */
  readonly doors: readonly { close(): void }[];
  readonly run: (signal: AbortSignal) => Promise<void>;
}

function assembled({ settings, clock, log, handler, page, status, doors, run }: Assembly): Agent {
  const ending = new AbortController();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  let listener: Listener | undefined;
  let running = Promise.resolve();
  return {
    fetch: (request) => handler(request),
    failed,
    async start() {
      const address = { hostname: settings["agent.health_address"], port: settings["agent.health_port"] };
      listener = await listen(handler, { ...address, clock, log });
      const own = await page.start(address.hostname);
      for (const one of [listener, page]) one.failed.catch(fail);
      status.started();
      running = run(ending.signal).catch((error) => {
        status.stopping();
        fail(error);
      });
      return { hostname: listener.hostname, port: listener.port, ...own };
    },
    async stop() {
      status.stopping();
      ending.abort();
      await running;
      await Promise.all([listener?.stop(REQUESTS_GRACE_MS), page.stop()]);
      doors.forEach((door) => door.close());
    },
  };
}
