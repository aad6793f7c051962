import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { type Kubernetes, type KubernetesMetrics, openKubernetes } from "$lib/kubernetes.ts";
import { disabledRegistry } from "$lib/metrics.ts";
import { Snapshot } from "$lib/wire/snapshot.ts";
import { Stack } from "$lib/wire/stack.ts";
import { stablePort } from "../cluster/ports.ts";
import { AGENT_METRICS } from "../../agent/metrics.ts";
import { growth, type Samples, scrape } from "../system/metrics_page.ts";
import { type Program, type Settings, startAgent, startBroker, untilReady } from "../system/programs.ts";
import { eventually } from "../system/wait.ts";
import { type DemoCluster, openCluster } from "./clusters.ts";
import type { DemoOptions } from "./options.ts";
import { keptKey } from "../../agent/plan/kept_snapshot.ts";
import { assemble, type Cast, type Happening, runStory } from "./story.ts";
import { alignedTable, seconds } from "./table.ts";
import { firstDelivery, startTraceReceiver, type TraceReceiver, treeRows } from "./trace.ts";
import { watcher } from "./watcher.ts";

const BROKER_PORT = 3000;
const AGENT_PORT = 8080;

/** A demo: run once, then taken down by disposing of it. */
export interface Demo extends AsyncDisposable {
  /** Starts everything, tells the story and prints what happened. Rejects with the reason when it can't. */
  run(): Promise<void>;
}

type Say = (line: string) => void;

/** Prepares a demo; nothing starts before {@linkcode Demo.run}. What has started is ended in reverse order. */
export function openDemo(options: DemoOptions, say: Say): Demo {
  const started = new AsyncDisposableStack();
  return { run: () => run(options, { say, started }), [Symbol.asyncDispose]: () => started.disposeAsync() };
}

interface Running {
  readonly say: Say;
  readonly started: AsyncDisposableStack;
}

async function run(options: DemoOptions, { say, started }: Running): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "brokkr-demo-" });
  started.defer(() => Deno.remove(dataDir, { recursive: true }));
  const opening = openCluster(options.cluster, say);
  opening.catch(() => {}); // heard below, when the broker is up
  const receiver = options.trace ? started.use(startTraceReceiver()) : undefined;
  const telemetry = telemetryOf(options, receiver);
  const broker = started.use(startBroker({ DATA_DIR: dataDir, ...telemetry }, { port: port(BROKER_PORT, say) }));
  await untilReady(broker);
  say(`broker     ${broker.url}, embedded database in ${dataDir}`);
  const cluster = started.use(await opening);
  say(`cluster    ${cluster.description}`);
  const adminPak = (await Deno.readTextFile(`${dataDir}/admin.pak`)).trim();
  const cast = await assemble(broker.url, adminPak);
  const agent = started.use(startDemoAgent({ broker, cast, cluster, telemetry }, say));
  await untilReady(agent);
  say(`agent      ${agent.url}\n`);
  const before = [await scrape(broker.url), await scrape(agent.url)] as const;
  const kubernetes = started.adopt(await openDoor(cluster.kubeconfigPath), (open) => open.close());
  const watching = await watcher(kubernetes);
  const happenings = await runStory({ cast, watcher: watching, say });
  if (cluster.isTheUsers) started.defer(() => cleanUp({ cast, agent, kubernetes }, say));
  printTable(happenings, say);
  await printMetrics([broker, agent], before, say);
  if (receiver !== undefined) await printTrace(receiver, say);
  if (options.otlp !== undefined) say(`\nsent       metrics, traces and logs of both programs, to ${options.otlp}`);
  printNext({ broker, adminPak, cluster }, say);
}

/** Everything is sampled; of the agent's turns those that belong to a submission are part of its trace. */
function telemetryOf({ otlp }: DemoOptions, receiver: TraceReceiver | undefined): Settings {
  if (receiver !== undefined) return { OTLP__TRACES_ENDPOINT: receiver.url, TRACING__SAMPLE_RATIO: "1" };
  if (otlp === undefined) return {};
  return {
    OTLP__ENDPOINT: otlp,
    OTLP__TIMEOUT_SECONDS: "5",
    OTLP__METRICS_INTERVAL_SECONDS: "5",
    OTLP__LOGS: "true",
    TRACING__SAMPLE_RATIO: "1",
  };
}

async function printTrace({ spans }: TraceReceiver, say: Say): Promise<void> {
  const trace = await eventually("the trace of the first delivery is there", () => firstDelivery(spans));
  say(`\nOne trace: the first delivery, ${trace[0]?.traceId}\n`);
  alignedTable(["begins ms", "took ms", "program", "span"], treeRows(trace)).forEach((line) => say(`  ${line}`));
}

function port(wanted: number, say: Say): number {
  const free = stablePort(wanted);
  if (free !== wanted) say(`port ${wanted} is taken, using ${free}`);
  return free;
}

interface Surroundings {
  readonly broker: Program;
  readonly cast: Cast;
  readonly cluster: DemoCluster;
}

function startDemoAgent(
  { broker, cast, cluster, telemetry }: Surroundings & { readonly telemetry: Settings },
  say: Say,
): Program {
  const settings = {
    AGENT__BROKER_URL: broker.url,
    AGENT__PAK: cast.agentPak,
    AGENT__AGENT_NAME: "demo",
    AGENT__CLUSTER_NAME: "demo",
    AGENT__KUBECONFIG_PATH: cluster.kubeconfigPath,
    AGENT__POLLING_INTERVAL: "1",
    AGENT__HEARTBEAT_INTERVAL: "1",
    AGENT__RESYNC_INTERVAL: "600", // what is removed by hand is seen by the agent's watch, long before
    ...telemetry,
  };
  return startAgent(settings, { port: port(AGENT_PORT, say) });
}

/** A way to the cluster that is not the agent's, for whoever watches it. */
export function openDoor(kubeconfigPath: string): Promise<Kubernetes> {
  return openKubernetes({
    kubeconfigPath,
    env: {},
    metrics: unmetered(),
    clock: systemClock(),
    random,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    userAgent: "brokkr-demo",
  });
}

/** The demo's own requests are nobody's metrics. */
function unmetered(): KubernetesMetrics {
  const { kubernetesOperations, kubernetesDuration } = disabledRegistry().register(AGENT_METRICS);
  return { operations: kubernetesOperations, duration: kubernetesDuration };
}

function printTable(happenings: readonly Happening[], say: Say): void {
  const rows = happenings.map((
    { step, object, state, afterMs },
  ) => [step, object, state, afterMs === undefined ? "–" : seconds(afterMs)]);
  say("\nWhat happened\n");
  alignedTable(["step", "object", "state", "seconds"], rows).forEach((line) => say(`  ${line}`));
}

async function printMetrics(
  programs: readonly [Program, Program],
  before: readonly [Samples, Samples],
  say: Say,
): Promise<void> {
  for (const [index, { url }] of programs.entries()) {
    say(`\n${url}/metrics, what moved meanwhile (buckets and sums left out)\n`);
    const after = await scrape(url);
    for (const [series] of growth(before[index] ?? new Map(), after)) {
      if (!/_(bucket|sum)\b/.test(series)) say(`  ${series} ${after.get(series)}`);
    }
  }
}

/** What a person types next. Causes name commands as `brokkr-broker`, so that is what it is called here. */
function printNext(
  { broker, adminPak, cluster }: Pick<Surroundings, "broker" | "cluster"> & { readonly adminPak: string },
  say: Say,
): void {
  say(`\nadmin key  ${adminPak}`);
  say(`console    ${broker.url}/console, with that key\n`);
  say("Try next (while this runs), in another terminal, in this folder\n");
  say(`  export BROKKR_URL=${broker.url} BROKKR_PAK=${adminPak}`);
  say('  brokkr-broker() { npx -y deno@2.9.6 task --quiet broker "$@"; }\n');
  for (const command of NEXT) say(`  brokkr-broker ${command}`);
  say(`  kubectl --kubeconfig ${cluster.kubeconfigPath} get configmaps -A`);
  say("\nREADME.md goes on from here: deliver something yourself, break it, and mend it.");
}

const NEXT = ["get deliveries", "explain demo-web demo", "history demo-web", "delete stack demo-page --yes"];

interface Leftovers {
  readonly cast: Cast;
  readonly agent: Program;
  readonly kubernetes: Kubernetes;
}

/** Leaves a cluster of the user's as it was: every stack is deleted and pruned, then the agent's own record. */
async function cleanUp({ cast, agent, kubernetes }: Leftovers, say: Say): Promise<void> {
  say("\nremoving what came to your cluster by the demo");
  for (const { id } of await cast.admin.send(Stack.array(), "GET", "/stacks")) {
    await cast.admin.call("DELETE", `/stacks/${id}`);
  }
  await eventually("the agent reports it removed", async () => {
    const { stacks } = await cast.admin.send(Snapshot, "GET", `/agents/${cast.agentId}/snapshot`);
    return stacks.length === 0;
  }, { seconds: 120, everyMs: 500 });
  await agent.stop();
  await removeOwn(kubernetes, "ConfigMap", `brokkr-agent-${cast.agentId}`);
  await removeOwn(kubernetes, "Secret", `brokkr-kept-${keptKey({ agentName: "demo", clusterName: "demo" })}`);
  say("removed");
}

/** Removes what the agent keeps for itself where it keeps its records. */
async function removeOwn(kubernetes: Kubernetes, kind: string, name: string): Promise<void> {
  const resource = (await kubernetes.discover("v1"))?.find((one) => one.kind === kind);
  if (resource === undefined) return;
  const place = { resource, namespace: kubernetes.defaultNamespace ?? "default", name };
  const uid = (await kubernetes.get(place))?.metadata.uid;
  if (uid !== undefined) await kubernetes.delete(place, { uid });
}
