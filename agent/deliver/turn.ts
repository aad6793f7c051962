import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import { type Log, traceFields } from "$lib/log.ts";
import type { ReportedState } from "$lib/wire/event.ts";
import type { BrokerClient } from "../broker_client.ts";
import type { Outcome } from "../kube/outcome.ts";
import type { PruneApproval, Reconciler, ReconcileRequest } from "../kube/reconcile.ts";
import type { Sweep } from "../kube/watch/sweep.ts";
import type { ApplyWork, RemoveWork, TurnContext, WaitWork, Work } from "../plan/plan.ts";
import type { Reports, StackReport } from "../loops/report.ts";
import type { TurnEnd, TurnFacts } from "./queues.ts";
import type { CountedTurn, TurnMeter } from "./turn_meter.ts";
import type { TurnTraces } from "./turn_traces.ts";

/** What of a turn's end is reported as it is. */
type Reported = "state" | "reason" | "message" | "revision" | "results" | "yielded" | "warnings";

/** How a stack's turn ended, as it is reported. */
export interface StackTurnEnd extends TurnEnd, CountedTurn, Pick<StackReport, Reported | "trace"> {}

/** What a stack's turns need. */
export interface StackTurnsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly broker: Pick<BrokerClient, "fetchBundle">;
  readonly reconciler: Pick<Reconciler, "reconcileStack" | "learn" | "removeStack">;
  readonly guard: ReconcileRequest["guard"];
  readonly reports: Pick<Reports, "put">;
  readonly meter: TurnMeter;
  readonly traces: Pick<TurnTraces, "run">;
  /** The one look at the cluster that the turns of a resync share. */
  readonly sweep: () => Sweep | undefined;
}

/** Milliseconds after which a turn that brings something new says that it is under way. */
export const SAYS_APPLYING_AFTER_MS = 1_000;

/** What is done in one turn of a stack's queue, and what is said of it. */
export class StackTurns {
  readonly #parts: StackTurnsParts;
  /** The object that each stack was last brought to. */
  readonly #applied = new Map<string, string>();

  constructor(parts: StackTurnsParts) {
    this.#parts = parts;
  }

  /** Does the work. Rejects only when `signal` aborts, or by a bug. */
  async perform(work: Work, context: TurnContext, signal: AbortSignal): Promise<StackTurnEnd> {
    return await this.#parts.traces.run(work, context, async (trace) => {
      try {
        return await this.#turn(work, { ...context, trace }, signal);
      } catch (error) {
        signal.throwIfAborted();
        return this.endOf(error);
      }
    });
  }

  /** What a turn that rejected amounts to: it failed, and is tried again. */
  endOf(error: unknown): StackTurnEnd {
    return { isSettled: false, result: "failed", state: "failed", reason: "internal", message: messageOf(error) };
  }

  /** Counts, reports and logs how a turn ended. */
  ended(work: Work, end: StackTurnEnd, facts: TurnFacts): void {
    this.#parts.meter.ended(end, work.kind === "wait" ? undefined : facts.seconds);
    this.#report(work, end, facts);
    this.#log(work, end, facts);
  }

  async #turn(work: Work, context: TracedContext, signal: AbortSignal): Promise<StackTurnEnd> {
    if (work.kind === "wait") return await this.#wait(work, context, signal);
    return work.kind === "remove"
      ? await this.#remove(work, context, signal)
      : await this.#apply(work, context, signal);
  }

  /** Where nothing is done, others still are to know what is wanted. */
  async #wait(work: WaitWork, { stepAside }: TurnContext, signal: AbortSignal): Promise<StackTurnEnd> {
    if (work.object === undefined) return waiting(work);
    const { stack, object, defaultNamespace } = work;
    const request = { stack, object: this.#loaded(object), defaultNamespace, stepAside };
    return { ...waiting(work), isSettled: await this.#parts.reconciler.learn(request, signal) };
  }

  async #remove(work: RemoveWork, context: TurnContext, signal: AbortSignal): Promise<StackTurnEnd> {
    const request = { stack: work.stack, approval: approvalOf(work, context) };
    return endOf("removed", await this.#parts.reconciler.removeStack(request, signal));
  }

  async #apply(work: ApplyWork, context: TracedContext, signal: AbortSignal): Promise<StackTurnEnd> {
    const cancel = this.#sayApplyingSoon(work, context);
    try {
      return endOf("applied", await this.#parts.reconciler.reconcileStack(this.#request(work, context), signal));
    } finally {
      cancel();
    }
  }

  #report(work: Work, end: StackTurnEnd, { retry }: TurnFacts): void {
    const { state, reason, message, revision, results, yielded, warnings, trace } = end;
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
      yielded,
      warnings,
      trace,
      attempts: retry?.attempts,
      nextRetryAtMs: retry?.atMs,
    });
  }

  #request(work: ApplyWork, context: TurnContext): ReconcileRequest {
    const { stack, object, policy: { drift, defaultNamespace }, mayPrune, mayReplace } = work;
    const { guard, sweep } = this.#parts;
    return {
      stack,
      object: this.#loaded(object),
      guard,
      drift,
      defaultNamespace,
      mayPrune,
      mayReplace,
      sweep: context.isResync ? sweep() : undefined,
      compareAll: context.compareAll,
      stepAside: context.stepAside,
      approval: approvalOf(work, context),
    };
  }

  #loaded(object: ApplyWork["object"]): ReconcileRequest["object"] {
    return { ...object, load: (loading) => this.#parts.broker.fetchBundle(object, loading) };
  }

  #sayApplyingSoon({ stack, object }: ApplyWork, { trace }: TracedContext): () => void {
    if (this.#applied.get(stack.id) === object.id) return () => {};
    const { clock, reports } = this.#parts;
    const report = { stackId: stack.id, objectId: object.id, state: "applying", trace } as const;
    return clock.after(SAYS_APPLYING_AFTER_MS, () => reports.put(report));
  }

  #log({ kind, stack }: Work, end: StackTurnEnd, { retry }: TurnFacts): void {
    const { log } = this.#parts;
    const { state, reason, message, result, isSettled, trace } = end;
    const fields = { stack: stack.name, stack_id: stack.id, state, reason, detail: message, ...traceFields(trace) };
    if (kind === "wait" || result === "unchanged") return log.debug("stack unchanged", fields);
    if (isSettled) return log.info("stack settled", fields);
    log.warn("stack not settled, will try again", { ...fields, attempts: retry?.attempts });
  }
}

interface TracedContext extends TurnContext {
  /** The turn's span, where it is exported. */
  readonly trace: SpanContext | undefined;
}

function objectIdOf(work: Work): string | undefined {
  if (work.kind === "apply") return work.object.id;
  return work.kind === "wait" ? work.object?.id : undefined;
}

function waiting(work: WaitWork): StackTurnEnd {
  const { reason, revision } = work;
  return { isSettled: true, result: "blocked", state: "blocked", reason, revision, message: waitMessage(work) };
}

function waitMessage({ reason, revision }: WaitWork): string {
  if (reason === "suspended") return "the stack is suspended: nothing is written for it";
  if (reason === "epoch_hold") {
    return "the removal is on hold: the broker is not the one this agent knows, until its epoch is accepted";
  }
  return `the removal is held at revision ${revision}: more would vanish within an hour than goes without approval`;
}

function approvalOf(
  { approvedRevision: approved }: Pick<ApplyWork | RemoveWork, "approvedRevision">,
  { revision }: TurnContext,
): PruneApproval {
  return approved === undefined ? { revision } : { revision, approved };
}

function endOf(good: ReportedState, { heldRevision: revision, ...outcome }: Outcome): StackTurnEnd {
  const { result } = outcome;
  const isSettled = result === "applied" || result === "unchanged";
  return { ...outcome, revision, isSettled, state: result === "failed" || result === "blocked" ? result : good };
}
