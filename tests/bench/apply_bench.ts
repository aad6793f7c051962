/**
 * One deployment object with 1,000 new ConfigMaps, delivered to a real control plane by the two programs, beside what
 * 2,000 server-side applies take one after the other; then the same objects submitted again, unchanged; then with one of
 * them changed.
 *
 * usage: deno task bench apply [ConfigMaps, default 1000]
 */
import type { AuditEvent } from "../cluster/audit.ts";
import { type ControlPlane, readAudit } from "../cluster/control_plane.ts";
import { ADDED_BY, isAvailable, type Part, PARTS } from "../run/parts.ts";
import { bundle } from "../system/bundles.ts";
import { openWorld, type World } from "../system/world.ts";
import { applyOneByOne, BASELINE_AGENT } from "./apply/baseline.ts";
import { residentMiB } from "./process.ts";
import { countRequests, writesOf } from "./apply/requests.ts";
import { type Delivery, type Memory, tables } from "./apply/tables.ts";
import { type TurnWatch, watchTurns } from "./apply/turn_watch.ts";

const FIRST_MAX = 0.35;
const AGAIN_MAX = 0.03;
const ONE_CHANGED_MAX = 0.05;
const BASELINE_NAMESPACE = "baseline";
const NAMESPACE = "delivered";
const VALUE = "x".repeat(100);
const MEMBER = "applyset.kubernetes.io/part-of";
/** Polls of the agent after a report, in which it must not do anything more; and the audit log catches up. */
const QUIET_MS = 3_000;
/** As shipped, where a story's world is quicker: nothing else is to fall into a measurement. */
const AGENT_SETTINGS = { AGENT__HEARTBEAT_INTERVAL: "10", AGENT__RESYNC_INTERVAL: "300" };

async function main(count: number): Promise<number> {
  if (!isAvailable("nodes")) {
    console.error(`Cannot measure: there is no ${PARTS["control plane"]} (${ADDED_BY} adds it)`);
    return 1;
  }
  const parts: readonly Part[] = isAvailable("postgres") ? ["postgres", "nodes"] : ["nodes"];
  await using watch = watchTurns();
  const brokerUrlOfAgent = (url: string) => watch.before(url);
  await using world = await openWorld({ parts, brokerUrlOfAgent, agentSettings: AGENT_SETTINGS });
  const control = world.servers.controlPlane;
  if (control === undefined) throw new Error("Cannot measure on a simulated cluster");
  return await measure({ world, control, watch, names: namesOf(count) });
}

interface Bench {
  readonly world: World;
  readonly control: ControlPlane;
  readonly watch: TurnWatch;
  readonly names: readonly string[];
}

async function measure(bench: Bench): Promise<number> {
  const { world, control, names } = bench;
  for (const name of [BASELINE_NAMESPACE, NAMESPACE]) await createNamespace(world, name);
  const baselineMs = await applyOneByOne({
    ...{ kubeconfigPath: control.kubeconfigPath, namespace: BASELINE_NAMESPACE, names, data: { value: VALUE } },
  });
  const idle = await memoryOf(world);
  const stack = await world.addStack("bench");
  const documents = bundle(...names.map((name) => configMap(name)));
  const first = await deliver(bench, stack, documents);
  const afterFirst = await memoryOf(world);
  const again = await deliver(bench, stack, `# The very same bundle makes no new deployment object.\n${documents}`);
  const oneChanged = await deliver(
    bench,
    stack,
    bundle(...names.map((name, at) => configMap(name, at === 0 ? "changed" : VALUE))),
  );
  const baseline = { ms: baselineMs, events: await eventsOf(control, BASELINE_AGENT) };
  await mustBeThere(world, names.length);
  const limits = { first: FIRST_MAX, again: AGAIN_MAX, oneChanged: ONE_CHANGED_MAX };
  const memory = { idle, afterFirst, afterLast: await memoryOf(world) };
  console.log(tables({ baseline, first, again, oneChanged, memory, limits, isForMember }).join("\n"));
  const faults = faultsOf({ baselineMs, first, again, oneChanged });
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `item-${String(index).padStart(5, "0")}`);
}

/** As Helm and people write it. */
function configMap(name: string, value = VALUE): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  namespace: ${NAMESPACE}
data:
  value: ${value}
`;
}

async function createNamespace(world: World, name: string): Promise<void> {
  await world.cluster.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
}

/** Submits, waits for the report, and then long enough to see that nothing more is asked of the API server. */
async function deliver({ world, control, watch }: Bench, stackId: string, documents: string): Promise<Delivery> {
  const before = (await eventsOf(control)).length;
  const submittedMs = Date.now();
  const { id } = await world.submit(stackId, documents);
  const { knownMs, reportedMs } = await watch.turnOf(id);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const events = (await eventsOf(control)).slice(before).filter(({ requestURI }) => requestURI !== "/version");
  return { workMs: reportedMs - knownMs, submitToReportMs: reportedMs - submittedMs, events };
}

async function eventsOf(control: ControlPlane, userAgent = "brokkr-agent/"): Promise<readonly AuditEvent[]> {
  return (await readAudit(control)).filter((event) => event.userAgent?.startsWith(userAgent));
}

/** About a member, or the list of them. */
function isForMember({ objectRef, requestURI }: AuditEvent): boolean {
  return objectRef?.namespace === NAMESPACE || requestURI.includes(encodeURIComponent(MEMBER));
}

async function mustBeThere(world: World, count: number): Promise<void> {
  const there = await world.cluster.list(`/api/v1/namespaces/${NAMESPACE}/configmaps?labelSelector=${MEMBER}`);
  if (there.length !== count) throw new Error(`${there.length} ConfigMaps are there, and not ${count}`);
}

async function memoryOf({ broker, agent }: World): Promise<Memory> {
  return { broker: await residentMiB(broker.pid), agent: await residentMiB(agent.pid) };
}

interface Figures {
  readonly baselineMs: number;
  readonly first: Delivery;
  readonly again: Delivery;
  readonly oneChanged: Delivery;
}

function faultsOf({ baselineMs, first, again, oneChanged }: Figures): readonly string[] {
  const writes = writesOf(again.events);
  const toOne = Map.groupBy(writes, ({ objectRef }) => objectRef?.name ?? "");
  const changing = countRequests(oneChanged.events.filter(isOfMember));
  const [dryRuns, applies] = [changing.get("dry_run") ?? 0, changing.get("apply") ?? 0];
  const isOne = dryRuns === 1 && applies === 1 && writesOf(oneChanged.events).filter(isOfMember).length === 2;
  const toMembers = writes.filter(isOfMember);
  return [
    ...(first.workMs <= FIRST_MAX * baselineMs ? [] : [`the first time took more than ${FIRST_MAX} of the baseline`]),
    ...(again.workMs <= AGAIN_MAX * baselineMs ? [] : [`unchanged took more than ${AGAIN_MAX} of the baseline`]),
    ...(oneChanged.workMs <= ONE_CHANGED_MAX * baselineMs
      ? []
      : [`one took more than ${ONE_CHANGED_MAX} of the baseline`]),
    ...(toMembers.length === 0 ? [] : [`unchanged wrote ${toMembers.length} times to a member`]),
    ...[...toOne].filter(([, { length }]) => length > 1).map(([name]) => `unchanged wrote "${name}" more than once`),
    ...(isOne ? [] : [`one changed took ${dryRuns} dry runs and ${applies} applies of members`]),
  ];
}

function isOfMember({ objectRef }: AuditEvent): boolean {
  return objectRef?.namespace === NAMESPACE;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 1000)));
