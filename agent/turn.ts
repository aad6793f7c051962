import type { Clock } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { ReportedState } from "$lib/wire/event.ts";
import type { BrokerClient } from "./broker_client.ts";
import { createLimiter } from "./kube/limiter.ts";
import type { ApplyWork, WaitWork, Work } from "./plan.ts";
import type { Outcome, Reconciler } from "./reconcile.ts";
import type { Reports, StackReport } from "./report.ts";
import type { Retry, TurnEnd } from "./stacks.ts";

/** How a stack's turn ended, as it is reported. */
export interface StackTurnEnd
  extends TurnEnd, Pick<StackReport, "state" | "reason" | "message" | "revision" | "results"> {
  /** Whether the cluster was found as it should be. */
  readonly isUnchanged: boolean;
}

/** What a stack's turns need. */
export interface StackTurnsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly broker: Pick<BrokerClient, "fetchBundle">;
  readonly reconciler: Pick<Reconciler, "reconcileStack" | "removeStack">;
  readonly reports: Pick<Reports, "put">;
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
  async perform(work: Work, signal: AbortSignal): Promise<StackTurnEnd> {
    const { reconciler } = this.#parts;
    if (work.kind === "wait") return waiting(work);
    if (work.kind === "remove") return endOf("removed", await reconciler.removeStack(work.stack, signal));
    const cancel = this.#sayApplyingSoon(work);
    try {
      return endOf("applied", await this.#apply(work, signal));
    } finally {
      cancel();
    }
  }

  /** What a turn that rejected amounts to: it failed, and is tried again. */
  endOf(error: unknown): StackTurnEnd {
    return { isSettled: false, isUnchanged: false, state: "failed", reason: "internal", message: messageOf(error) };
  }

  /** Reports and logs how a turn ended. */
  ended(work: Work, end: StackTurnEnd, retry: Retry | undefined): void {
    const { state, reason, message, revision, results } = end;
    const objectId = work.kind === "apply" ? work.object.id : undefined;
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
    this.#log(work, end, retry);
  }

  #apply({ stack, object, mayPrune }: ApplyWork, signal: AbortSignal): Promise<Outcome> {
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

  #log({ stack }: Work, end: StackTurnEnd, retry: Retry | undefined): void {
    const { log } = this.#parts;
    const { state, reason, message, isUnchanged, isSettled } = end;
    const fields = { stack: stack.name, stack_id: stack.id, state, reason, detail: message };
    if (isUnchanged) return log.debug("stack unchanged", fields);
    if (isSettled) return log.info("stack settled", fields);
    log.warn("stack not settled, will try again", { ...fields, attempts: retry?.attempts });
  }
}

function waiting({ reason, revision }: WaitWork): StackTurnEnd {
  const message = reason === "prune_held"
    ? `the removal is held at revision ${revision}: more stacks would vanish at once than go without approval`
    : "the removal is held: the broker is not the one this agent knows, until its epoch is accepted";
  return { isSettled: true, isUnchanged: true, state: "blocked", reason, revision, message };
}

function endOf(good: ReportedState, { result, reason, message, results }: Outcome): StackTurnEnd {
  const isSettled = result === "applied" || result === "unchanged";
  const state = result === "failed" || result === "blocked" ? result : good;
  return { isSettled, isUnchanged: result === "unchanged", state, reason, message, results };
}
