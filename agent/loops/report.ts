import { isFailure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { GaugeCell } from "$lib/metrics.ts";
import {
  type NewAgentEvent,
  OBJECT_NAME_MAX,
  type ObjectResult,
  type ReportedState,
  type YieldedField,
} from "$lib/wire/event.ts";
import { boundedMessage } from "../kube/message.ts";

/** What the agent says of one stack. */
export interface StackReport {
  readonly stackId: string;
  /** The deployment object it is about; undefined where the snapshot names none. */
  readonly objectId: string | undefined;
  readonly state: ReportedState;
  readonly reason?: string;
  readonly message?: string;
  /** The revision at which a removal is held. */
  readonly revision?: number;
  readonly attempts?: number;
  readonly nextRetryAtMs?: number;
  readonly results?: readonly ObjectResult[];
  /** Fields left to other managers. */
  readonly yielded?: readonly YieldedField[];
  /** What the manifests say that is not delivered. */
  readonly warnings?: readonly string[];
}

/** What reports need. */
export interface ReportsParts {
  readonly agentId: string;
  /** One start of the agent: with `seq` it makes a report that is sent twice count once. */
  readonly bootId: string;
  readonly log: Log;
  /** Resolves when the broker has acknowledged the event. */
  readonly send: (event: NewAgentEvent, signal: AbortSignal) => Promise<void>;
  /** How many reports the broker has not acknowledged. */
  readonly pending: GaugeCell;
}

const RESULTS_MAX = 500;
const ERROR_MAX_LENGTH = 1000;
const SENT_AT_ONCE = 8;

/** The reports not yet acknowledged: at most one per stack, the newest. */
export class Reports {
  readonly #parts: ReportsParts;
  readonly #pending = new Map<string, NewAgentEvent>();
  /** What was last said of each stack, so that a turn that changed nothing says nothing. */
  readonly #said = new Map<string, string>();
  readonly #sleepers = new Set<() => void>();
  #seq = 0;
  #isFailing = false;

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  /** How many reports the broker has not acknowledged yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Takes the place of the stack's pending report; passed over when it says nothing new. */
  put(report: StackReport): void {
    const said = JSON.stringify([report.state, report.objectId, report.reason, report.revision, report.attempts]);
    if (this.#said.get(report.stackId) === said && !hasChanges(report)) return;
    this.#said.set(report.stackId, said);
    this.#seq += 1;
    const { agentId, bootId } = this.#parts;
    this.#pending.set(report.stackId, { agent_id: agentId, boot_id: bootId, seq: this.#seq, ...wire(report) });
    this.#parts.pending.set(this.#pending.size);
    this.#sleepers.forEach((wake) => wake());
  }

  /** Forgets what was said, so that every stack's next turn is reported: the broker may have forgotten, too. */
  forget(): void {
    this.#said.clear();
  }

  /** One turn of the loop: sends every pending report. Rejects when one must be tried again. */
  async turn(signal: AbortSignal): Promise<void> {
    this.#isFailing = true;
    const queue = [...this.#pending];
    const senders = Array.from({ length: SENT_AT_ONCE }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await this.#sendOne(next, signal);
    });
    const failed = (await Promise.allSettled(senders)).find((ended) => ended.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    this.#isFailing = false;
  }

  /** Resolves when there is something to send; while the last turn failed, only when `signal` aborts. */
  waitForNext(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || (!this.#isFailing && this.#pending.size > 0)) return resolve();
      const wake = () => {
        if (!signal.aborted && this.#isFailing) return;
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  async #sendOne([stackId, event]: readonly [string, NewAgentEvent], signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.send(event, signal);
    } catch (error) {
      if (!isFailure(error, "broker_rejected")) throw error;
      this.#parts.log.error("the broker refuses a report, which is dropped", { stack_id: stackId, error });
    }
    if (this.#pending.get(stackId) !== event) return;
    this.#pending.delete(stackId);
    this.#parts.pending.set(this.#pending.size);
    if (event.state === "removed") this.#said.delete(stackId);
  }
}

function hasChanges({ results = [] }: StackReport): boolean {
  return results.some(({ action }) => action !== "unchanged");
}

function wire(report: StackReport): Omit<NewAgentEvent, "agent_id"> {
  const { message, nextRetryAtMs, results } = report;
  return {
    stack_id: report.stackId,
    deployment_object_id: report.objectId,
    state: report.state,
    reason: report.reason,
    message: message === undefined ? undefined : boundedMessage(message),
    revision: report.revision,
    attempts: report.attempts,
    next_retry_at: nextRetryAtMs === undefined ? undefined : new Date(nextRetryAtMs).toISOString(),
    results: results === undefined ? undefined : boundedResults(results),
  };
}

/** What went wrong first, then what changed; the rest, and the end of what is long, only as far as there is room. */
function boundedResults(results: readonly ObjectResult[]): ObjectResult[] {
  const weight = ({ action }: ObjectResult) => action === "failed" ? 0 : action === "unchanged" ? 2 : 1;
  return results.toSorted((a, b) => weight(a) - weight(b)).slice(0, RESULTS_MAX)
    .map(({ kind, namespace, name, action, error }) => ({
      kind: kind.slice(0, OBJECT_NAME_MAX),
      namespace: namespace?.slice(0, OBJECT_NAME_MAX),
      name: name.slice(0, OBJECT_NAME_MAX),
      action,
      error: error?.slice(0, ERROR_MAX_LENGTH),
    }));
}
