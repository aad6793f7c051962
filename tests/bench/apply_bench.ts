/**
 * One deployment object with 1,000 new ConfigMaps, delivered to a real control plane by the two programs; then the same
 * objects submitted again, unchanged; then with one of them changed. Beside it, in the same run: what 2,000 server-side
 * applies take one after the other, and what the same dry runs and writes take of somebody who does nothing but send
 * them, as many at once as the agent. What the agent takes longer than that is its own; the API server's part of the
 * whole depends on the machine.
 *
 * usage: deno task bench apply [ConfigMaps, default 1000] [agent.apply_concurrency, default 64]
 */
import type { AuditEvent } from "../cluster/audit.ts";
import { type ControlPlane, readAudit } from "../cluster/control_plane.ts";
import { ADDED_BY, isAvailable, type Part, PARTS } from "../run/parts.ts";
import { bundle } from "../system/bundles.ts";
import { openWorld, type World } from "../system/world.ts";
import { applyAtOnce, applyOneByOne, BASELINE_AGENT } from "./apply/baseline.ts";
import { AGENT_FLAGS, residentMiB } from "./process.ts";
import { countRequests, writesOf } from "./apply/requests.ts";
import { type Delivery, type Memory, type Round, tables, tooSlow } from "./apply/tables.ts";
import { type TurnWatch, watchTurns } from "./apply/turn_watch.ts";

const ROUNDS = 3;
const VALUE = "x".repeat(100);
const MEMBER = "applyset.kubernetes.io/part-of";
/** Polls of the agent after a report, in which it must not do anything more; and the audit log catches up. */
const QUIET_MS = 3_000;
/** As shipped, where a story's world is quicker: nothing else is to fall into a measurement. */
const AGENT_SETTINGS = { AGENT__HEARTBEAT_INTERVAL: "10", AGENT__RESYNC_INTERVAL: "300" };

async function main(count: number, concurrency: number): Promise<number> {
  if (!isAvailable("nodes")) {
    console.error(`Cannot measure: there is no ${PARTS["control plane"]} (${ADDED_BY} adds it)`);
    return 1;
  }
  const parts: readonly Part[] = isAvailable("postgres") ? ["postgres", "nodes"] : ["nodes"];
  await using watch = watchTurns();
  const brokerUrlOfAgent = (url: string) => watch.before(url);
  const agentSettings = { ...AGENT_SETTINGS, AGENT__APPLY_CONCURRENCY: String(concurrency) };
  await using world = await openWorld({ parts, brokerUrlOfAgent, agentSettings, agentFlags: AGENT_FLAGS });
  const control = world.servers.controlPlane;
  if (control === undefined) throw new Error("Cannot measure on a simulated cluster");
  return await measure({ world, control, watch, names: namesOf(count), inFlight: Math.floor(concurrency / 2) });
}

interface Bench {
  readonly world: World;
  readonly control: ControlPlane;
  readonly watch: TurnWatch;
  readonly names: readonly string[];
  /** What one stack has of the agent's requests in flight. */
  readonly inFlight: number;
}

async function measure(bench: Bench): Promise<number> {
  const { world, control } = bench;
  const idle = await memoryOf(world);
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) rounds.push(await measureRound(bench, round));
  const baselineEvents = (await eventsOf(control, BASELINE_AGENT)).slice(0, 2 * bench.names.length);
  const results = { rounds, baselineEvents, memory: { idle, afterLast: await memoryOf(world) } };
  console.log(tables(results).join("\n"));
  const faults = [...tooSlow(results), ...new Set(rounds.flatMap(faultsOf))];
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

async function measureRound(bench: Bench, round: number): Promise<Round> {
  const { world, control, names, inFlight } = bench;
  const [baseline, bare, namespace] = [`baseline-${round}`, `bare-${round}`, `delivered-${round}`];
  for (const name of [baseline, bare, namespace]) await createNamespace(world, name);
  const sent = { control, names, data: { value: VALUE } };
  const baselineMs = await applyOneByOne({ ...sent, namespace: baseline });
  const bareMs = await applyAtOnce({ ...sent, namespace: bare, inFlight });
  const stack = await world.addStack(`bench-${round}`);
  const documents = (first: string) =>
    bundle(...names.map((name, at) => configMap({ name, namespace, value: at === 0 ? first : VALUE })));
  const first = await deliver(bench, stack, documents(VALUE));
  const again = await deliver(
    bench,
    stack,
    `# The very same bundle makes no new deployment object.\n${documents(VALUE)}`,
  );
  const oneChanged = await deliver(bench, stack, documents("changed"));
  await mustBeThere(world, namespace, names.length);
  return { baselineMs, bareMs, first, again, oneChanged };
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `item-${String(index).padStart(5, "0")}`);
}

/** As Helm and people write it. */
function configMap({ name, namespace, value }: Readonly<Record<"name" | "namespace" | "value", string>>): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  namespace: ${namespace}
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

function isOfMember({ objectRef }: AuditEvent): boolean {
  return objectRef?.namespace?.startsWith("delivered-") === true;
}

async function mustBeThere(world: World, namespace: string, count: number): Promise<void> {
  const there = await world.cluster.list(`/api/v1/namespaces/${namespace}/configmaps?labelSelector=${MEMBER}`);
  if (there.length !== count) throw new Error(`${there.length} ConfigMaps are there, and not ${count}`);
}

async function memoryOf({ broker, agent }: World): Promise<Memory> {
  return { broker: await residentMiB(broker.pid), agent: await residentMiB(agent.pid) };
}

/** What requests were too many, by count. */
function faultsOf({ again, oneChanged }: Round): readonly string[] {
  const writes = writesOf(again.events);
  const toOne = Map.groupBy(writes, ({ objectRef }) => objectRef?.name ?? "");
  const changing = countRequests(oneChanged.events.filter(isOfMember));
  const [dryRuns, applies] = [changing.get("dry_run") ?? 0, changing.get("apply") ?? 0];
  const isOne = dryRuns === 1 && applies === 1 && writesOf(oneChanged.events).filter(isOfMember).length === 2;
  const toMembers = writes.filter(isOfMember);
  return [
    ...(toMembers.length === 0 ? [] : [`unchanged wrote ${toMembers.length} times to a member`]),
    ...[...toOne].filter(([, { length }]) => length > 1).map(([name]) => `unchanged wrote "${name}" more than once`),
    ...(isOne ? [] : [`one changed took ${dryRuns} dry runs and ${applies} applies of members`]),
  ];
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 1000), Number(Deno.args[1] ?? 64)));
