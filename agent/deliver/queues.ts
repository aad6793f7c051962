import type { Waiting } from "$lib/retry.ts";
import type { TurnContext, Work } from "../plan/plan.ts";
import { StackQueue } from "./stack_queue.ts";
import { TurnSemaphore } from "./turn_semaphore.ts";

/** How a turn ended, as far as the queue must know. */
export interface TurnEnd {
  /** Whether the work is done; one that is not is tried again, for ever. */
  readonly isSettled: boolean;
  /** How long it is not to be tried again, where somebody asked for that. */
  readonly pauseMs?: number;
}

/** When a turn that did not settle its work will be repeated. */
export interface Retry {
  /** Turns in a row that did not settle this work. */
  readonly attempts: number;
  readonly atMs: number;
}

/** What a queue knows of a turn that ended. */
export interface TurnFacts {
  /** From its start to its end. */
  readonly seconds: number;
  /** Undefined when it will not be repeated. */
  readonly retry: Retry | undefined;
}

/** What the queues need. */
export interface StackQueuesParts<End extends TurnEnd> extends Waiting {
  /** How many stacks may be in a turn at once; works that only wait are not counted. */
  readonly turnsAtOnce: number;
  /** Whether a turn may begin at all; one that may not begins with the next work that is wanted. */
  readonly mayBegin?: () => boolean;
  /** One turn for one stack. When `signal` aborts it ends after the object in hand, and its end is not heard. */
  perform(work: Work, context: TurnContext, signal: AbortSignal): Promise<End>;
  /** What a turn that rejected amounts to. */
  endOf(error: unknown): End;
  /** Hears how each turn ended. */
  ended(work: Work, end: End, facts: TurnFacts): void;
}

/** How works are wanted. */
export interface WantOptions {
  /** Repeats what is settled already, so that drift is put right. Work in back-off stays there. */
  readonly again?: Pick<TurnContext, "compareAll">;
  /** The revision of the snapshot that they were planned from. */
  readonly revision?: number;
  /** Whether other stacks stay as they are, and do not end. */
  readonly isPartial?: boolean;
}

/** One queue per stack: its turns one after the other, the newest work wins; different stacks run side by side. */
export class StackQueues<End extends TurnEnd> {
  readonly #parts: StackQueuesParts<End>;
  readonly #semaphore: TurnSemaphore;
  readonly #queues = new Map<string, StackQueue<End>>();
  #revision = 0;

  constructor(parts: StackQueuesParts<End>) {
    this.#parts = parts;
    this.#semaphore = new TurnSemaphore(parts.turnsAtOnce);
  }

  /**
   * Makes `works` all that is wanted: work on any other stack ends after the object in hand, unless they are but a
   * part.
   */
  want(works: readonly Work[], { again, revision, isPartial = false }: WantOptions = {}): void {
    this.#revision = revision ?? this.#revision;
    const byStack = new Map(works.map((work) => [work.stack.id, work]));
    if (!isPartial) this.#endOthers(byStack);
    for (const [stackId, work] of byStack) this.#queueOf(stackId).want(work, again);
  }

  /** Whether a turn of a stack is in progress, or waits for others to end. */
  isBusy(stackId: string): boolean {
    return this.#queues.get(stackId)?.isBusy ?? false;
  }

  /** Whether a stack's objects are not compared between deployment objects. */
  isDriftOff(stackId: string): boolean {
    return this.#queues.get(stackId)?.isDriftOff ?? false;
  }

  /** Looks after drift of one stack alone: once more, when a turn of it is in progress. */
  wantDrift(stackId: string): void {
    this.#queues.get(stackId)?.wantDrift();
  }

  /** Tries stacks again whose turns did not settle their work, as what they wait for may be there now. */
  wake(stackIds: Iterable<string>): void {
    for (const stackId of stackIds) this.#queues.get(stackId)?.wake();
  }

  /**
   * Begins no turn, and no retry, of what is wanted now of these stacks until that is wanted again. Turns in progress
   * go on.
   *
   * @param stackIds Without them, all.
   */
  supersede(stackIds?: Iterable<string>): void {
    for (const stackId of stackIds ?? this.#queues.keys()) this.#queues.get(stackId)?.supersede();
  }

  /** Applies nothing more for these stacks, and resolves when no such turn is in progress. Removals go on. */
  async endApplies(stackIds: readonly string[]): Promise<void> {
    const queues = stackIds.flatMap((id) => this.#queues.get(id) ?? []).filter((queue) => !queue.isRemoving);
    await endAll(queues);
  }

  /** Starts nothing more, and resolves when every turn in progress has ended. */
  async stop(): Promise<void> {
    await endAll([...this.#queues.values()]);
  }

  #endOthers(wanted: ReadonlyMap<string, Work>): void {
    for (const [stackId, queue] of this.#queues) {
      if (wanted.has(stackId)) continue;
      queue.drop();
      if (!queue.isBusy) this.#queues.delete(stackId);
    }
  }

  #queueOf(stackId: string): StackQueue<End> {
    const found = this.#queues.get(stackId);
    if (found !== undefined) return found;
    const queue = new StackQueue({
      ...this.#parts,
      semaphore: this.#semaphore,
      mayBegin: () => this.#parts.mayBegin?.() !== false,
      perform: (work, context, signal) => this.#parts.perform(work, { ...context, revision: this.#revision }, signal),
      endOf: (error) => this.#parts.endOf(error),
      ended: (work, end, facts) => this.#parts.ended(work, end, facts),
    });
    this.#queues.set(stackId, queue);
    return queue;
  }
}

async function endAll(queues: readonly Pick<StackQueue<TurnEnd>, "drop" | "idle">[]): Promise<void> {
  queues.forEach((queue) => queue.drop());
  await Promise.all(queues.map((queue) => queue.idle()));
}
