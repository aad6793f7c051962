import type { SpanContext } from "@opentelemetry/api";
import { type Failure, isFailure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { BoundGauge } from "$lib/metrics.ts";
import { Wakeup } from "$lib/wakeup.ts";
import type { NewAgentEvent, ObjectResult } from "$lib/wire/event.ts";
import type { HealthNews } from "../deliver/watched_stack.ts";
import { isWritten } from "../kube/outcome.ts";
import { SaidHealth } from "./report_health.ts";
import { olderWire, reportWire, type StackReport } from "./report_wire.ts";

export type { StackReport } from "./report_wire.ts";

/** What reports need. */
export interface ReportsParts {
  readonly agentId: string;
  /** One start of the agent: with `seq` it makes a report that is sent twice count once. */
  readonly bootId: string;
  readonly log: Log;
  /** Resolves when the broker has acknowledged the event; `trace` is the span of the turn that it is of. */
  readonly send: (event: NewAgentEvent, trace: SpanContext | undefined, signal: AbortSignal) => Promise<void>;
  /** How many reports the broker has not acknowledged. */
  readonly pending: BoundGauge;
}

const SENT_AT_ONCE = 8;
/** The broker's word that it does not take a report as it is: too large, or in words that it does not know. */
const TOO_LARGE = 413;
const NOT_UNDERSTOOD = 422;
/** The broker's code for a stack that this agent never had, as far as it knows. */
const NOT_ITS_STACK = "agent_not_associated";

/** A report that the broker has not acknowledged. */
interface Pending {
  readonly report: StackReport;
  readonly seq: number;
  /** Whether it repeats what was said, and only the health is news. */
  readonly isHealthAlone: boolean;
}

/** The reports not yet acknowledged: at most one per stack, the newest. */
export class Reports {
  readonly #parts: ReportsParts;
  readonly #pending = new Map<string, Pending>();
  readonly #inFlight = new Set<Pending>();
  /** What was last said of each stack, whole, for its health to be said with: other words would be other news. */
  readonly #last = new Map<string, StackReport>();
  /** The stacks whose next turn is said even if it changed nothing. */
  readonly #forgotten = new Set<string>();
  readonly #health = new Map<string, SaidHealth>();
  readonly #wakeup = new Wakeup();
  #seq = 0;

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  /** How many reports the broker has not acknowledged yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Takes the place of the stack's pending report; passed over when it says nothing new. What was seen of a stack's
   * health before this wrote to it is not said with it: it would pass for how the new works.
   */
  put(report: StackReport): void {
    const { stackId, results } = report;
    if (results?.some(isWritten)) this.#health.delete(stackId);
    if (this.#isSaid(report)) return;
    this.#forgotten.delete(stackId);
    this.#last.set(stackId, report);
    this.#enqueue(report, { isHealthAlone: false });
  }

  /**
   * Has a stack's health said with what is reported of it: with its pending report, or, where there is none, with what
   * was said last. Of a stack of which nothing was said yet it waits for that.
   */
  putHealth(stackId: string, news: HealthNews): void {
    this.#health.set(stackId, new SaidHealth(news));
    const last = this.#last.get(stackId);
    const pending = this.#pending.get(stackId);
    if (last === undefined || (pending !== undefined && !this.#inFlight.has(pending))) return;
    this.#enqueue(last, { isHealthAlone: true });
  }

  /** Forgets what was said, so that every stack's next turn is reported: the broker may have forgotten, too. */
  forget(): void {
    for (const stackId of this.#last.keys()) this.#forgotten.add(stackId);
  }

  /** One turn of the loop: sends every pending report. Rejects when one must be tried again. */
  async turn(signal: AbortSignal): Promise<void> {
    this.#wakeup.starts();
    const queue = [...this.#pending.values()];
    const senders = Array.from({ length: SENT_AT_ONCE }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await this.#sendOne(next, signal);
    });
    const failed = (await Promise.allSettled(senders)).find((ended) => ended.status === "rejected");
    if (failed === undefined) return;
    this.#wakeup.rest();
    throw failed.reason;
  }

  /** Resolves when there is something to send; while the last turn failed, only when `signal` aborts. */
  waitForNext(signal: AbortSignal): Promise<void> {
    return this.#wakeup.wait(signal);
  }

  #isSaid(report: StackReport): boolean {
    const last = this.#last.get(report.stackId);
    if (last === undefined || this.#forgotten.has(report.stackId) || hasChanges(report)) return false;
    return newsOf(last) === newsOf(report);
  }

  #enqueue(report: StackReport, { isHealthAlone }: Pick<Pending, "isHealthAlone">): void {
    this.#seq += 1;
    this.#pending.set(report.stackId, { report, seq: this.#seq, isHealthAlone });
    this.#parts.pending.record(this.#pending.size);
    this.#wakeup.ask();
  }

  async #sendOne(pending: Pending, signal: AbortSignal): Promise<void> {
    const { stackId, state } = pending.report;
    this.#inFlight.add(pending);
    try {
      await this.#sendInSomeShape(pending, signal);
    } catch (error) {
      if (!isFailure(error, "broker_rejected")) return this.#keep(pending, error);
      this.#logDropped(stackId, error);
    } finally {
      this.#inFlight.delete(pending);
    }
    if (this.#pending.get(stackId) !== pending) return;
    this.#pending.delete(stackId);
    this.#parts.pending.record(this.#pending.size);
    if (state === "removed") this.#forgetStack(stackId);
  }

  /** Of a stack that is not this agent's to the broker, as one that was taken over, nobody waits to hear. */
  #logDropped(stackId: string, error: Failure): void {
    const { log } = this.#parts;
    const fields = { stack_id: stackId, error };
    if (error.details?.code === NOT_ITS_STACK) {
      log.debug("a report of a stack that is not this agent's is dropped", fields);
    } else log.error("the broker refuses a report, which is dropped", fields);
  }

  /** What was not acknowledged is said before a health that came meanwhile, and takes it along. */
  #keep(pending: Pending, error: unknown): never {
    const { stackId } = pending.report;
    const next = this.#pending.get(stackId);
    if (next !== undefined && next !== pending && next.isHealthAlone) this.#pending.set(stackId, pending);
    throw error;
  }

  /** What the broker does not take as it is, it may take as an agent of version 0.10.0 said it. */
  async #sendInSomeShape(pending: Pending, signal: AbortSignal): Promise<void> {
    const { send, log } = this.#parts;
    const event = this.#eventOf(pending);
    const trace = pending.isHealthAlone ? undefined : pending.report.trace; // a turn's is told once
    try {
      await send(event, trace, signal);
    } catch (error) {
      const status = isFailure(error, "broker_rejected") ? error.details?.status : undefined;
      if (status !== TOO_LARGE && status !== NOT_UNDERSTOOD) throw error;
      log.warn("the broker does not take a report as it is: it is sent once more, shorter", {
        stack_id: event.stack_id,
        error,
      });
      await send(olderWire(event, { isTooLarge: status === TOO_LARGE }), trace, signal);
    }
  }

  #eventOf({ report, seq, isHealthAlone }: Pending): NewAgentEvent {
    const { agentId, bootId } = this.#parts;
    const said = isHealthAlone ? repeated(report) : report;
    return { agent_id: agentId, boot_id: bootId, seq, ...reportWire(said, this.#health.get(report.stackId)) };
  }

  #forgetStack(stackId: string): void {
    this.#last.delete(stackId);
    this.#forgotten.delete(stackId);
    this.#health.delete(stackId);
  }
}

/**
 * The same once more: of objects that are as they should be, what was done to them is said already; of others the
 * broker keeps what was said, as it would take it for another try.
 */
function repeated({ results, ...report }: StackReport): StackReport {
  if (report.state !== "applied" || results === undefined) return report;
  const still = results.filter(({ action }) => action !== "deleted" && action !== "kept");
  return { ...report, results: still.map((result) => isWritten(result) ? asWritten(result) : result) };
}

/** An object that was written, as it is since: the fields that were put right differ no longer. */
function asWritten({ fields: _putRight, ...result }: ObjectResult): ObjectResult {
  return { ...result, action: "unchanged" };
}

/** What makes a report news, in short. */
function newsOf({ state, objectId, reason, revision, attempts, yielded, warnings }: StackReport): string {
  return JSON.stringify([state, objectId, reason, revision, attempts, yielded, warnings]);
}

function hasChanges({ results = [] }: StackReport): boolean {
  return results.some(({ action }) => action !== "unchanged");
}
