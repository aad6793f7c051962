import { type Backoff, backoffMs, jittered, type Waiting } from "$lib/retry.ts";
import type { TurnContext, Work } from "../plan/plan.ts";
import type { Retry, TurnEnd, TurnFacts } from "./queues.ts";
import type { TurnSemaphore } from "./turn_semaphore.ts";

/** Why a turn is due. */
export type TurnCause = Omit<TurnContext, "revision" | "failures" | "stepAside">;

/** What the queue of one stack needs. */
export interface StackQueueParts<End extends TurnEnd> extends Waiting {
  readonly semaphore: TurnSemaphore;
  readonly mayBegin: () => boolean;
  perform(work: Work, context: Omit<TurnContext, "revision">, signal: AbortSignal): Promise<End>;
  endOf(error: unknown): End;
  ended(work: Work, end: End, facts: TurnFacts): void;
}

/** Pauses between tries of one stack. */
const STACK_BACKOFF: Backoff = { minMs: 5_000, maxMs: 300_000 };
/**
 * Milliseconds after which a turn no longer keeps others from beginning: a webhook is waited for 30 s, again and again.
 */
const PLACE_MS = 15_000;
/**
 * The pause of one that was to be woken while it was in its turn: it may have looked too early, but is not let spin.
 */
const WOKEN_MS = 1_000;
/** The work is new, or its last turn did not settle it. */
const NEW: TurnCause = { isResync: false, compareAll: false, isDrift: false };
const DRIFT: TurnCause = { isResync: false, compareAll: false, isDrift: true };

/** The queue of one stack: as only the newest work counts, it holds no more than that. */
export class StackQueue<End extends TurnEnd> {
  readonly #parts: StackQueueParts<End>;
  #work: Work | undefined;
  /** Why a turn is to be made; undefined when none is. */
  #due: TurnCause | undefined;
  #isSuperseded = false;
  #isWoken = false;
  #failures = 0;
  #cancelRetry = () => {};
  #turn: { readonly abort: AbortController; readonly running: Promise<void> } | undefined;
  #isBusy = false;
  /** Whether the turn in progress has a place of the semaphore: one that stepped aside has none until it goes on. */
  #hasPlace = false;
  /** Whether the turn in progress lasts, and gave its place to others. */
  #isLate = false;
  #cancelGiving = () => {};

  constructor(parts: StackQueueParts<End>) {
    this.#parts = parts;
  }

  /** Whether a turn is in progress, or waits for others to end. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Whether what is wanted is that everything of the stack goes. */
  get isRemoving(): boolean {
    return this.#work?.kind === "remove";
  }

  /** Whether differences are not looked at, as the stack's policy says. */
  get isDriftOff(): boolean {
    return this.#work?.kind === "apply" && this.#work.policy.drift === "off";
  }

  /** Makes this work the one that is wanted; one that is settled is repeated only where `again` says so. */
  want(work: Work, again: Pick<TurnContext, "compareAll"> | undefined): void {
    this.#isSuperseded = false;
    if (this.#work !== undefined && isSame(this.#work, work)) {
      if (again !== undefined) this.#repeat({ ...again, isResync: true, isDrift: false });
      return this.#start();
    }
    if (this.#work !== undefined && !mayFinish(this.#work, work)) this.#turn?.abort.abort();
    this.#forgetFailures();
    this.#work = work;
    this.#due = NEW;
    this.#start();
  }

  /** Repeats what is settled, because the cluster was seen to change. */
  wantDrift(): void {
    if (this.#work?.kind !== "apply") return;
    this.#repeat(DRIFT);
    this.#start();
  }

  /** Tries what is not settled at once. */
  wake(): void {
    this.#isWoken = this.#turn !== undefined;
    if (this.#failures === 0 || this.#turn !== undefined) return;
    this.#cancelRetry();
    this.#due = merged(this.#due, NEW);
    this.#start();
  }

  /** Begins nothing until the work is wanted again. */
  supersede(): void {
    this.#isSuperseded = true;
  }

  /** Wants nothing any more; a turn in progress ends after the object in hand. */
  drop(): void {
    this.#work = undefined;
    this.#due = undefined;
    this.#forgetFailures();
    this.#turn?.abort.abort();
  }

  /** Resolves when no turn is in progress. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.#turn?.running]);
  }

  /** What is in back-off is tried in full anyway; drift of a stack is not looked at where its policy says so. */
  #repeat(cause: TurnCause): void {
    if (this.#failures === 0 && !this.isDriftOff) this.#due = merged(this.#due, cause);
  }

  #forgetFailures(): void {
    this.#failures = 0;
    this.#cancelRetry();
  }

  #start(): void {
    if (!this.#isBusy) void this.#run();
  }

  get #mayBegin(): boolean {
    return this.#due !== undefined && !this.#isSuperseded && this.#work !== undefined && this.#parts.mayBegin();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    try {
      while (this.#mayBegin) await this.#runWhenFree();
    } finally {
      this.#isBusy = false;
    }
  }

  /** A work that only waits, and has no bundle to look into, is done at once, and takes no slot. */
  async #runWhenFree(): Promise<void> {
    const { semaphore } = this.#parts;
    const isFree = this.#work?.kind === "wait" && this.#work.object === undefined;
    const isRepeated = this.#due?.isResync === true || this.#due?.isDrift === true;
    const waiting = isFree ? undefined : semaphore.take(isRepeated ? "repeated" : "new");
    if (waiting !== undefined) await waiting;
    this.#hasPlace = !isFree;
    this.#giveEarlyLater();
    try {
      if (this.#work === undefined || this.#due === undefined || !this.#mayBegin) return;
      const abort = new AbortController();
      const running = this.#runTurn(this.#work, this.#due, abort.signal);
      this.#turn = { abort, running };
      await running;
    } finally {
      this.#cancelGiving();
      this.#turn = undefined;
      this.#givePlace();
      if (this.#isLate) semaphore.endLate();
      this.#isLate = false;
    }
  }

  #giveEarlyLater(): void {
    const { clock, semaphore } = this.#parts;
    this.#cancelGiving = clock.after(PLACE_MS, () => {
      this.#isLate ||= this.#hasPlace && semaphore.giveEarly();
      if (this.#isLate) this.#hasPlace = false;
      else this.#giveEarlyLater();
    });
  }

  async #runTurn(work: Work, cause: TurnCause, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const startMs = clock.monotonic();
    this.#due = undefined;
    this.#isWoken = false;
    const context = {
      ...cause,
      failures: this.#failures,
      stepAside: <T>(wait: () => Promise<T>) => this.#stepAside(wait),
    };
    const end = await this.#parts.perform(work, context, signal).catch((error) => this.#parts.endOf(error));
    if (signal.aborted) return;
    const seconds = (clock.monotonic() - startMs) / 1_000;
    const retry = this.#work === work ? this.#retryAfter(end, cause) : undefined;
    this.#parts.ended(work, end, { seconds, retry });
  }

  #givePlace(): void {
    if (this.#hasPlace) this.#parts.semaphore.give();
    this.#hasPlace = false;
  }

  /** Whoever has waited has what it waited for, and those with a place do not wait for that; in vain, it needs none. */
  async #stepAside<T>(wait: () => Promise<T>): Promise<T> {
    this.#givePlace();
    const result = await wait();
    await this.#parts.semaphore.take("new");
    this.#hasPlace = true;
    return result;
  }

  #retryAfter({ isSettled, pauseMs = 0 }: End, cause: TurnCause): Retry | undefined {
    if (isSettled) {
      this.#failures = 0;
      return undefined;
    }
    const { clock, random } = this.#parts;
    const again = { ...merged(this.#due, cause), isResync: false };
    this.#failures += 1;
    this.#due = undefined;
    const ownMs = this.#isWoken ? WOKEN_MS : jittered(backoffMs(this.#failures, STACK_BACKOFF), random);
    const askedMs = pauseMs === 0 ? 0 : pauseMs + jittered(WOKEN_MS, random); // not all who were told the same at once
    const ms = Math.max(ownMs, askedMs);
    this.#cancelRetry = clock.after(ms, () => {
      this.#due = merged(this.#due, again);
      this.#start();
    });
    return { attempts: this.#failures, atMs: clock.now() + ms };
  }
}

/** One turn for two causes: it does all that either would. */
function merged(one: TurnCause | undefined, other: TurnCause): TurnCause {
  if (one === undefined) return other;
  const isNew = [one, other].some(({ isResync, isDrift }) => !isResync && !isDrift);
  return {
    isResync: !isNew && (one.isResync || other.isResync),
    compareAll: one.compareAll || other.compareAll,
    isDrift: one.isDrift && other.isDrift,
  };
}

function isSame(one: Work, other: Work): boolean {
  return JSON.stringify(wantedBy(one)) === JSON.stringify(wantedBy(other));
}

/** In whose trace it was asked for is nothing that is wanted. */
function wantedBy(work: Work): Work {
  return work.kind === "wait" ? work : { ...work, asked: undefined };
}

/** A turn may finish when what follows only goes further the same way; anything else must not be waited for. */
function mayFinish(current: Work, next: Work): boolean {
  if (current.kind === "remove") return next.kind === "remove";
  if (current.kind !== "apply" || next.kind !== "apply") return false;
  return (next.mayPrune || !current.mayPrune) && (next.mayReplace || !current.mayReplace);
}
