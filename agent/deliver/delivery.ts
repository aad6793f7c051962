import { aborted, type Clock, deadline } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import { bound } from "$lib/metrics.ts";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";
import type { BrokerClient } from "../broker_client.ts";
import type { Inventory } from "../plan/record.ts";
import { BlockedPrunes } from "./blocked_prunes.ts";
import { ManagedHealth, ManagedObjects } from "./managed_objects.ts";
import { Observation } from "./observation.ts";
import type { AgentMetrics } from "../metrics.ts";
import type { GuardLimits } from "../plan/guard.ts";
import type { BundleRef, Work } from "../plan/plan.ts";
import { PruneGuard } from "../plan/prune_guard.ts";
import { Planner, type PlannerParts } from "../plan/planner.ts";
import { ReadAhead } from "./read_ahead.ts";
import type { Reconciler } from "../kube/reconcile.ts";
import { Reports } from "../loops/report.ts";
import { StackQueues } from "./queues.ts";
import type { SnapshotPolls } from "./snapshot_polls.ts";
import { supervise } from "../loops/supervise.ts";
import { type StackTurnEnd, StackTurns } from "./turn.ts";
import { TurnMeter } from "./turn_meter.ts";
import { TurnTraces } from "./turn_traces.ts";

/** What bringing stacks to the cluster, and telling the broker of it, needs. */
export interface DeliveryParts {
  readonly agentId: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly broker: Pick<BrokerClient, "fetchBundle" | "report">;
  readonly reconciler: Reconciler;
  /** How much may vanish within an hour without a person's word. */
  readonly limits: GuardLimits;
  readonly turnsAtOnce: number;
  /** Whether a turn may begin: not without the Lease, where there is one. */
  readonly mayBegin: () => boolean;
  /** Why nothing may be written to the cluster, whatever the snapshot says. */
  readonly whyStandBy: PlannerParts["whyStandBy"];
  readonly metrics: AgentMetrics;
  /** Left out: none. */
  readonly tracing?: Tracing;
  /** By which polls the agent was told of what it applies; left out: nobody traces them. */
  readonly polls?: Pick<SnapshotPolls, "trace">;
  /** How long after a submission a turn is part of its trace. */
  readonly joinWithinMs: number;
}

/** Milliseconds that ending may take: the objects in hand, then what can still be sent, which has its own share. */
const STOP_MS = 10_000;
const LAST_REPORTS_MS = 2_000;
const REPORT_IDLE_MS = 60_000;

/** From a believed snapshot to the last acknowledged report: the planner, the queues and the reports, put together. */
export class Delivery {
  readonly planner: Planner;
  /** What a turn asks before it removes objects that their bundle lacks. */
  readonly guard: PruneGuard;
  readonly #parts: DeliveryParts;
  readonly #reports: Reports;
  readonly #queues: StackQueues<Awaited<ReturnType<StackTurns["perform"]>>>;
  readonly #planning = new AbortController();
  readonly #reporting = new AbortController();
  readonly #reportLoop: Promise<void>;
  readonly #observation: Observation;
  readonly #managed: ManagedObjects;
  /** Stacks whose last turn waited for another stack. */
  readonly #waiting = new Set<string>();
  #claimsSeen = 0;

  /** Starts nothing but the loop that reports. */
  constructor(parts: DeliveryParts) {
    const { broker, metrics, reconciler } = parts;
    const { inventory, claims } = reconciler;
    this.#parts = parts;
    this.#managed = new ManagedObjects(metrics.managedObjects);
    this.#reports = new Reports({
      ...parts,
      pending: bound(metrics.reportsPending),
      send: (event, trace, signal) => broker.report(event, trace, signal),
    });
    this.guard = new PruneGuard({ ...parts, store: inventory, onHeld: () => this.planner.replan() });
    const meter = new TurnMeter(metrics);
    const sweep = () => this.#observation.sweep;
    const traces = new TurnTraces({ tracing: disabledTracing(), ...parts, records: reconciler.records });
    const ahead = new ReadAhead(broker.fetchBundle);
    const bundles = { fetchBundle: (object: BundleRef, signal: AbortSignal) => ahead.fetch(object, signal) };
    const turns = new StackTurns({
      ...parts,
      broker: bundles,
      guard: this.guard,
      reports: this.#reports,
      meter,
      traces,
      sweep,
    });
    const blocked = new BlockedPrunes(metrics.prunesBlocked);
    this.#queues = new StackQueues({
      ...parts,
      perform: (work, context, signal) => turns.perform(work, context, signal),
      endOf: (error) => turns.endOf(error),
      ended: (work, end, facts) => {
        turns.ended(work, end, facts);
        blocked.ended(work, end);
        this.#ended(work, end);
        if (work.kind === "remove" && end.isSettled) this.planner.removed(work.stack.id);
        if (work.kind === "apply" && work.mayPrune && end.isSettled) this.#nothingHeld(work.stack.id);
      },
    });
    this.planner = new Planner({
      ...parts,
      claims,
      inventory: { listStacks: (signal) => this.#listStacks(inventory, signal) },
      want: (works, wanted) => {
        if (wanted.again !== undefined) this.#observation.beginResync();
        this.#queues.want(works, wanted);
      },
      onSuperseded: (stackIds) => this.#queues.supersede(stackIds),
      guard: this.guard,
      readAhead: (objects) =>
        ahead.begin(objects.filter(({ checksum }) => !reconciler.hasBundle(checksum)), this.#planning.signal),
      writeAfter: (recorded) => reconciler.writeAfter(recorded),
      wake: (stackIds) => this.#queues.wake(stackIds),
      endApplies: (stackIds) => this.#queues.endApplies(stackIds),
      onBrokerForgot: () => this.#reports.forget(),
      onPlanned: (works) => blocked.planned(works),
    }, this.#planning.signal);
    const health = new ManagedHealth(metrics.managedObjectsHealth);
    this.#observation = new Observation({
      ...parts,
      observed: reconciler.observed,
      isDriftOff: (stackId) => this.#queues.isDriftOff(stackId),
      isInTurn: (stackId) => this.#queues.isBusy(stackId),
      onDrift: (stackId) => this.#queues.wantDrift(stackId),
      onHealth: (stackId, news) => this.#reports.putHealth(stackId, news),
      onCounted: (stackId, counts) => health.counted(stackId, counts),
    }, this.#planning.signal);
    this.#reportLoop = this.#report();
  }

  /** Ends the objects in hand, then sends what can still be sent, all within {@linkcode STOP_MS}. Never rejects. */
  async stop(): Promise<void> {
    using limit = deadline(this.#parts.clock, STOP_MS);
    using inHand = deadline(this.#parts.clock, STOP_MS - LAST_REPORTS_MS);
    this.#planning.abort();
    await Promise.race([
      aborted(inHand.signal),
      Promise.all([this.planner.idle(), this.#queues.stop(), this.#observation.ended()]),
    ]);
    this.#reporting.abort();
    await this.#reportLoop;
    if (this.#reports.pending > 0) await this.#reports.turn(limit.signal).catch(() => {});
    if (this.#reports.pending > 0) this.#parts.log.warn("reports are left unsent", { reports: this.#reports.pending });
  }

  /** Should the root not be written, the next turn of the stack, or its removal, does it. */
  #nothingHeld(stackId: string): void {
    this.guard.settled(stackId, this.#planning.signal).catch((error) => {
      if (!this.#planning.signal.aborted) {
        this.#parts.log.warn("cannot forget what was held", { stack_id: stackId, error });
      }
    });
  }

  /**
   * Stacks that wait for what another one does, or wants, look again when one has done something or said what it wants.
   */
  #ended({ kind, stack }: Work, { reason, result, results = [], isSettled }: StackTurnEnd): void {
    const { claims, records } = this.#parts.reconciler;
    this.#managed.show(records.known());
    if (kind === "apply") void this.#observation.applied(stack.id, results);
    if (kind === "remove" && isSettled) this.#observation.removed(stack.id);
    if (reason === "waiting" || reason === "wanted_elsewhere") this.#waiting.add(stack.id);
    else this.#waiting.delete(stack.id);
    if (result !== "applied" && claims.changes === this.#claimsSeen) return;
    this.#claimsSeen = claims.changes;
    this.#queues.wake([...this.#waiting].filter((id) => id !== stack.id));
  }

  #report(): Promise<void> {
    const loop = {
      name: "report",
      intervalMs: REPORT_IDLE_MS,
      turn: (signal: AbortSignal) => this.#reports.turn(signal),
      wake: (signal: AbortSignal) => this.#reports.waitForNext(signal),
    };
    return supervise(loop, this.#parts, this.#reporting.signal);
  }

  /** Every list of the inventory shows how many objects there are, and which kinds are to be watched. */
  async #listStacks(inventory: Inventory, signal?: AbortSignal): ReturnType<Inventory["listStacks"]> {
    try {
      const stacks = await inventory.listStacks(signal);
      this.#managed.show(stacks);
      this.#observation.follow();
      return stacks;
    } catch (error) {
      this.#managed.hide();
      throw error;
    }
  }
}
