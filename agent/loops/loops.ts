import { aborted, type Clock } from "$lib/clock.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { bound } from "$lib/metrics.ts";
import type { Tracing } from "$lib/tracing.ts";
import { VERSION } from "$lib/program/version.ts";
import type { BrokerClient } from "../broker_client.ts";
import { Delivery } from "../deliver/delivery.ts";
import { SnapshotPolls } from "../deliver/snapshot_polls.ts";
import { heartbeat, type Probe } from "./heartbeat.ts";
import type { Identity } from "./identity.ts";
import type { AgentMetrics } from "../metrics.ts";
import { rootName } from "../kube/names.ts";
import type { Reconciler } from "../kube/reconcile.ts";
import type { KeptStore } from "../plan/kept_snapshot.ts";
import { Keeper } from "./keep.ts";
import { type Term, whileLeading } from "./lease.ts";
import type { Planner } from "../plan/planner.ts";
import { waitForChanges } from "./push.ts";
import type { AgentSettings } from "../settings.ts";
import { supervise, type SupervisedLoop } from "./supervise.ts";
import { BrokerAccess, Sync } from "./sync.ts";

/** What the loops work with. */
export interface LoopsParts {
  readonly settings: AgentSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly log: Log;
  readonly metrics: AgentMetrics;
  /** Left out: none. */
  readonly tracing?: Tracing;
  readonly broker: BrokerClient;
  readonly kubernetes: Pick<Kubernetes, "version" | "unqueued">;
  /** Where the agent keeps its record, and its Lease. */
  readonly namespace: string;
  /** Whether this replica works, as others see it in its metrics. */
  readonly onLeading: (isLeading: boolean) => void;
  readonly identity: Identity;
  /** Where snapshot and bundles are kept for a start without the broker. */
  readonly kept: KeptStore;
  /** Makes what writes to the cluster, once the agent knows its id. */
  readonly makeReconciler: (agentId: string) => Reconciler;
  /** Hears what was found out about the API server. */
  readonly onProbe: (probe: Probe) => void;
}

/** Runs every loop until `signal` aborts, then ends the work in hand and sends what can be sent. Never rejects. */
export async function runLoops(parts: LoopsParts, signal: AbortSignal): Promise<void> {
  const { identity } = parts;
  const identifying = identify(parts, signal);
  const first = await Promise.race([identity.id, aborted(signal)]);
  if (typeof first === "string") await workInTerms(first, parts, AbortSignal.any([signal, identity.replaced]));
  const next = await Promise.race([identity.id, aborted(signal)]);
  if (typeof next === "string" && next !== first && !signal.aborted) await workInTerms(next, parts, signal);
  await identifying;
}

/** Without a Lease there is one term, and all works in it. */
async function workInTerms(agentId: string, parts: LoopsParts, signal: AbortSignal): Promise<void> {
  if (!parts.settings["agent.lease"]) return await work(agentId, parts, { signal, isLeader: () => true });
  const kubernetes = parts.kubernetes.unqueued(); // a turn's requests may keep every place for longer than a term
  const lease = { ...parts, kubernetes, name: rootName(agentId), holder: parts.newId() };
  await whileLeading(lease, (term) => work(agentId, parts, term), signal);
}

/** Asks until the broker has said who this agent is and all is as it should be. */
async function identify(parts: LoopsParts, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const turn = async (turning: AbortSignal) => {
    await parts.identity.turn(turning);
    if (parts.identity.isSettled) settled.abort();
  };
  const loop = { name: "identity", intervalMs: intervalMs(parts, "polling"), turn };
  await supervise(loop, parts, AbortSignal.any([signal, settled.signal]));
}

async function work(agentId: string, parts: LoopsParts, { signal, isLeader }: Term): Promise<void> {
  const { broker, clock, log, metrics, identity, settings } = parts;
  const access = new BrokerAccess();
  const whyStandBy = () => identity.mismatch === undefined ? access.reason : "mismatch";
  const keeper = new Keeper({ agentId, store: parts.kept, clock, log, broker, whyStandBy });
  const polls = parts.tracing &&
    new SnapshotPolls({ tracing: parts.tracing, clock, server: settings["agent.broker_url"] });
  const delivery = new Delivery({
    ...{ ...parts, ...(polls && { polls }) },
    broker: { ...broker, fetchBundle: (object, turning) => keeper.fetchBundle(object, turning) },
    agentId,
    bootId: parts.newId(),
    reconciler: parts.makeReconciler(agentId),
    limits: {
      maxStacks: settings["agent.prune_max_stacks"],
      maxObjects: settings["agent.prune_max_objects"],
      maxTerminating: settings["agent.prune_max_terminating"],
    },
    joinWithinMs: settings["tracing.join_within_seconds"] * 1_000,
    turnsAtOnce: settings["agent.turns_at_once"],
    mayBegin: isLeader,
    whyStandBy,
  });
  const wholeEveryMs = intervalMs(parts, "resync");
  const sync = new Sync({
    agentId,
    broker,
    clock,
    log,
    metrics,
    access,
    keeper,
    wholeEveryMs,
    planner: delivery.planner,
    ...(polls && { polls }),
  });
  const loops = [
    heartbeatLoop(agentId, parts),
    syncLoop(sync, intervalMs(parts, "polling")),
    resyncLoop(delivery.planner, intervalMs(parts, "resync")),
    keepLoop(keeper, intervalMs(parts, "resync")),
  ];
  const waiting = settings["agent.push"] ? [waitForChanges({ ...parts, agentId, sync }, signal)] : [];
  await Promise.all([...loops.map((loop) => supervise(loop, parts, signal)), ...waiting]);
  await delivery.stop();
}

function heartbeatLoop(agentId: string, parts: LoopsParts): SupervisedLoop {
  const { broker, clock, kubernetes, metrics, onProbe } = parts;
  const beat = {
    clock,
    kubernetes,
    onProbe,
    agentVersion: VERSION,
    send: (report: Parameters<BrokerClient["beat"]>[1], signal: AbortSignal) => broker.beat(agentId, report, signal),
    sent: bound(metrics.heartbeatsSent),
  };
  return {
    name: "heartbeat",
    intervalMs: intervalMs(parts, "heartbeat"),
    turn: (signal) => heartbeat(beat, signal),
  };
}

function syncLoop(sync: Sync, intervalMs: number): SupervisedLoop {
  const turn = (signal: AbortSignal) => sync.turn(signal);
  return { name: "sync", intervalMs, turn, wake: (signal) => sync.wanted(signal) };
}

function keepLoop(keeper: Keeper, intervalMs: number): SupervisedLoop {
  const turn = (signal: AbortSignal) => keeper.turn(signal);
  return { name: "keep", intervalMs, turn, wake: (signal) => keeper.waitForNext(signal) };
}

function intervalMs({ settings }: LoopsParts, of: "heartbeat" | "polling" | "resync"): number {
  return settings[`agent.${of}_interval`] * 1_000;
}

/**
 * The loop that has every stack of inventory and snapshot compared with the cluster again, so that drift is put right.
 * It asks the broker nothing, so it goes on while the broker is away.
 */
function resyncLoop(planner: Pick<Planner, "repeat">, intervalMs: number): SupervisedLoop {
  return { name: "resync", intervalMs, turn: () => Promise.resolve(planner.repeat()) };
}
