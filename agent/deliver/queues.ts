import { type Backoff, backoffMs, jittered, type Waiting } from "$lib/retry.ts";
import type { Work } from "../plan/plan.ts";

/** How a turn ended, as far as the queue must know. */
export interface TurnEnd {
  /** Whether the work is done; one that is not is tried again, for ever. */
  readonly isSettled: boolean;
}

/** When a turn that did not settle its work will be repeated. */
export interface Retry {
  /** Turns in a row that did not settle this work. */
  readonly attempts: number;
  readonly atMs: number;
}

/** A turn as its queue saw it. */
export interface TurnSight {
  /** From its start to its end. */
  readonly seconds: number;
  /** Undefined when it will not be repeated. */
  readonly retry: Retry | undefined;
}

/** What the queues need. */
export interface StackQueuesParts<End extends TurnEnd> extends Waiting {
  /** One turn for one stack. When `signal` aborts it ends after the object in hand, and its end is not heard. */
  perform(work: Work, signal: AbortSignal): Promise<End>;
  /** What a turn that rejected amounts to. */
  endOf(error: unknown): End;
  /** Hears how each turn ended. */
  ended(work: Work, end: End, sight: TurnSight): void;
}

/** Pauses between tries of one stack. */
const STACK_BACKOFF: Backoff = { minMs: 5_000, maxMs: 300_000 };

/** One queue per stack: its turns one after the other, the newest work wins; different stacks run side by side. */
export class StackQueues<End extends TurnEnd> {
  readonly #parts: StackQueuesParts<End>;
  readonly #queues = new Map<string, StackQueue<End>>();

  constructor(parts: StackQueuesParts<End>) {
    this.#parts = parts;
  }

  /**
   * Makes `works` all that is wanted: work on any other stack ends after the object in hand.
   *
   * @param options.again Repeats what is settled already, so that drift is put right. Work in back-off stays there.
   */
  want(works: readonly Work[], { again = false }: { readonly again?: boolean } = {}): void {
    const byStack = new Map(works.map((work) => [work.stack.id, work]));
    for (const [stackId, queue] of this.#queues) {
      if (byStack.has(stackId)) continue;
      queue.drop();
      if (!queue.isBusy) this.#queues.delete(stackId);
    }
    for (const [stackId, work] of byStack) this.#queueOf(stackId).want(work, again);
  }

  /** Begins no turn, and no retry, of what is wanted now until that is wanted again. Turns in progress go on. */
  supersede(): void {
    this.#queues.forEach((queue) => queue.supersede());
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

  #queueOf(stackId: string): StackQueue<End> {
    const found = this.#queues.get(stackId);
    if (found !== undefined) return found;
    const queue = new StackQueue(this.#parts);
    this.#queues.set(stackId, queue);
    return queue;
  }
}

/** The queue of one stack: as only the newest work counts, it holds no more than that. */
class StackQueue<End extends TurnEnd> {
  readonly #parts: StackQueuesParts<End>;
  #work: Work | undefined;
  #isDue = false;
  #isSuperseded = false;
  #failures = 0;
  #cancelRetry = () => {};
  #turn: AbortController | undefined;
  #isBusy = false;
  #running = Promise.resolve();

  constructor(parts: StackQueuesParts<End>) {
    this.#parts = parts;
  }

  /** Whether a turn is in progress. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  get isRemoving(): boolean {
    return this.#work?.kind === "remove";
  }

  want(work: Work, again: boolean): void {
    this.#isSuperseded = false;
    if (this.#work !== undefined && isSame(this.#work, work)) {
      const isSettled = !this.isBusy && this.#failures === 0;
      if (this.#isDue || (again && isSettled)) this.#start();
      return;
    }
    if (this.#work !== undefined && !mayFinish(this.#work, work)) this.#turn?.abort();
    this.#forgetFailures();
    this.#work = work;
    this.#start();
  }

  supersede(): void {
    this.#isSuperseded = true;
  }

  drop(): void {
    this.#work = undefined;
    this.#isDue = false;
    this.#forgetFailures();
    this.#turn?.abort();
  }

  async idle(): Promise<void> {
    await Promise.allSettled([this.#running]);
  }

  #forgetFailures(): void {
    this.#failures = 0;
    this.#cancelRetry();
  }

  #start(): void {
    this.#isDue = true;
    if (!this.#isBusy) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    try {
      while (this.#isDue && !this.#isSuperseded && this.#work !== undefined) {
        this.#isDue = false;
        await this.#runTurn(this.#work);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  async #runTurn(work: Work): Promise<void> {
    const { clock } = this.#parts;
    const turn = new AbortController();
    const startMs = clock.monotonic();
    this.#turn = turn;
    const end = await this.#parts.perform(work, turn.signal).catch((error) => this.#parts.endOf(error));
    this.#turn = undefined;
    if (turn.signal.aborted) return;
    const seconds = (clock.monotonic() - startMs) / 1_000;
    const isCurrent = this.#work === work;
    this.#parts.ended(work, end, { seconds, retry: isCurrent ? this.#retryAfter(end) : undefined });
  }

  #retryAfter({ isSettled }: End): Retry | undefined {
    if (isSettled) {
      this.#failures = 0;
      return undefined;
    }
    const { clock, random } = this.#parts;
    this.#failures += 1;
    const ms = jittered(backoffMs(this.#failures, STACK_BACKOFF), random);
    this.#cancelRetry = clock.after(ms, () => this.#start());
    return { attempts: this.#failures, atMs: clock.now() + ms };
  }
}

async function endAll(queues: readonly Pick<StackQueue<TurnEnd>, "drop" | "idle">[]): Promise<void> {
  queues.forEach((queue) => queue.drop());
  await Promise.all(queues.map((queue) => queue.idle()));
}

function isSame(one: Work, other: Work): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A turn may finish when what follows only goes further the same way; anything else must not be waited for. */
function mayFinish(current: Work, next: Work): boolean {
  return current.kind === "apply" && next.kind === "apply" && current.mayPrune === next.mayPrune;
}
