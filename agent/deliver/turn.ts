import type { Clock } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { ReportedState } from "$lib/wire/event.ts";
import type { BrokerClient } from "../broker_client.ts";
import { createLimiter } from "../kube/limiter.ts";
import type { ManagedObjects } from "./managed_objects.ts";
import type { ApplyWork, RemoveWork, TurnContext, WaitWork, Work } from "../plan/plan.ts";
import type { Outcome, Reconciler } from "../kube/reconcile.ts";
import type { Reports, StackReport } from "../loops/report.ts";
import type { TurnEnd, TurnSight } from "./queues.ts";
import type { CountedTurn, TurnMeter } from "./turn_meter.ts";

/** How a stack's turn ended, as it is reported. */
export interface StackTurnEnd
  extends TurnEnd, CountedTurn, Pick<StackReport, "state" | "reason" | "message" | "revision" | "results"> {
  /** Objects in the stack's set after this; undefined where nobody knows. */
  readonly managedObjects?: number;
}

/** What a stack's turns need. */
export interface StackTurnsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly broker: Pick<BrokerClient, "fetchBundle">;
  readonly reconciler: Pick<Reconciler, "reconcileStack" | "removeStack" | "countObjects">;
  readonly reports: Pick<Reports, "put">;
  readonly meter: TurnMeter;
  /** Undefined where nobody wants to know. */
  readonly managed: ManagedObjects | undefined;
}

/** Milliseconds after which a turn that brings something new says that it is under way. */
export const SAYS_APPLYING_AFTER_MS = 1_000;
const BUNDLES_AT_ONCE = 8;

/** What is done in one turn of a stack's queue, and what is said of it. */
export class StackTurns {
  readonly #parts: StackTurnsParts;
  /** The object that each stack was last brought to. */
  readonly #applied = new Map<string, string>();
  readonly #fetching = createLimiter(BUNDLES_AT_ONCE);

  constructor(parts: StackTurnsParts) {
    this.#parts = parts;
  }

  /** Does the work. Rejects only when `signal` aborts, or by a bug. */
  async perform(work: Work, _context: TurnContext, signal: AbortSignal): Promise<StackTurnEnd> {
    try {
      const end = await this.#perform(work, signal);
      return { ...end, managedObjects: end.managedObjects ?? await this.#countObjects(work, end, signal) };
    } finally {
      if (signal.aborted) this.#parts.managed?.count(work.stack.id, undefined);
    }
  }

  /** What a turn that rejected amounts to: it failed, and is tried again. */
  endOf(error: unknown): StackTurnEnd {
    return { isSettled: false, result: "failed", state: "failed", reason: "internal", message: messageOf(error) };
  }

  /** Counts, reports and logs how a turn ended. */
  ended(work: Work, end: StackTurnEnd, sight: TurnSight): void {
    this.#count(work, end, sight);
    this.#report(work, end, sight);
    this.#log(work, end, sight);
  }

  #perform(work: Work, signal: AbortSignal): Promise<StackTurnEnd> {
    if (work.kind === "wait") return Promise.resolve(waiting(work));
    return work.kind === "remove" ? this.#remove(work, signal) : this.#apply(work, signal);
  }

  async #remove({ stack }: RemoveWork, signal: AbortSignal): Promise<StackTurnEnd> {
    return endOf("removed", await this.#parts.reconciler.removeStack(stack, signal));
  }

  async #apply(work: ApplyWork, signal: AbortSignal): Promise<StackTurnEnd> {
    const cancel = this.#sayApplyingSoon(work);
    try {
      return endOf("applied", await this.#reconcile(work, signal));
    } finally {
      cancel();
    }
  }

  /** A turn that did not look at the whole set leaves its number open; where the API server is at fault, so does this. */
  async #countObjects({ stack }: Work, { reason }: StackTurnEnd, signal: AbortSignal): Promise<number | undefined> {
    const { managed, reconciler } = this.#parts;
    if (managed === undefined || reason === "unavailable" || reason === "list_failed") return undefined;
    return await reconciler.countObjects(stack.id, signal);
  }

  #count({ kind, stack }: Work, end: StackTurnEnd, { seconds }: TurnSight): void {
    const { managed, meter } = this.#parts;
    meter.ended(end, kind === "wait" ? undefined : seconds);
    if (kind === "remove" && end.isSettled) managed?.removed(stack.id);
    else managed?.count(stack.id, end.managedObjects);
  }

  #report(work: Work, end: StackTurnEnd, { retry }: TurnSight): void {
    const { state, reason, message, revision, results } = end;
    const objectId = objectIdOf(work);
    if (state === "applied" && objectId !== undefined) this.#applied.set(work.stack.id, objectId);
    else this.#applied.delete(work.stack.id);
    this.#parts.reports.put({
      stackId: work.stack.id,
      objectId,
      state,
      reason,
      message,
      revision,
      results,
      attempts: retry?.attempts,
      nextRetryAtMs: retry?.atMs,
    });
  }

  #reconcile({ stack, object, mayPrune }: ApplyWork, signal: AbortSignal): Promise<Outcome> {
    const { broker } = this.#parts;
    const load = (loading: AbortSignal) => this.#fetching.run(() => broker.fetchBundle(object, loading), loading);
    return this.#parts.reconciler.reconcileStack({ stack, object: { ...object, load }, mayPrune }, signal);
  }

  #sayApplyingSoon({ stack, object }: ApplyWork): () => void {
    if (this.#applied.get(stack.id) === object.id) return () => {};
    const { clock, reports } = this.#parts;
    const report = { stackId: stack.id, objectId: object.id, state: "applying" } as const;
    return clock.after(SAYS_APPLYING_AFTER_MS, () => reports.put(report));
  }

  #log({ kind, stack }: Work, end: StackTurnEnd, { retry }: TurnSight): void {
    const { log } = this.#parts;
    const { state, reason, message, result, isSettled } = end;
    const fields = { stack: stack.name, stack_id: stack.id, state, reason, detail: message };
    if (kind === "wait" || result === "unchanged") return log.debug("stack unchanged", fields);
    if (isSettled) return log.info("stack settled", fields);
    log.warn("stack not settled, will try again", { ...fields, attempts: retry?.attempts });
  }
}

function objectIdOf(work: Work): string | undefined {
  if (work.kind === "apply") return work.object.id;
  return work.kind === "wait" ? work.objectId : undefined;
}

function waiting(work: WaitWork): StackTurnEnd {
  const { reason, revision } = work;
  return { isSettled: true, result: "blocked", state: "blocked", reason, revision, message: waitMessage(work) };
}

function waitMessage({ reason, revision }: WaitWork): string {
  if (reason === "suspended") return "the stack is suspended: nothing is written for it";
  if (reason === "epoch_hold") {
    return "the removal is held: the broker is not the one this agent knows, until its epoch is accepted";
  }
  return `the removal is held at revision ${revision}: more would vanish within an hour than goes without approval`;
}

function endOf(good: ReportedState, outcome: Outcome): StackTurnEnd {
  const { result } = outcome;
  const isSettled = result === "applied" || result === "unchanged";
  return { ...outcome, isSettled, state: result === "failed" || result === "blocked" ? result : good };
}
