import type { Clock } from "$lib/clock.ts";
import type { GaugeCell } from "$lib/metrics.ts";

/** What holding requests needs. */
export interface HeldRequestsParts {
  readonly clock: Clock;
  readonly random: () => number;
  /** Milliseconds over which 5,000 that wait for one change are answered. */
  readonly wakeSpreadMs: number;
  /** Shows how many are held now. */
  readonly held?: GaugeCell | undefined;
}

/** A request that waits. */
export interface Waiting {
  readonly agentId: string;
  /** The revision that the agent knows. */
  readonly since: number;
  readonly waitMs: number;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

/** How a wait ended: with another revision, with its time, or at once because nobody can be held any more. */
export type WaitEnding =
  | { readonly kind: "changed"; readonly revision: number }
  | { readonly kind: "over" }
  | { readonly kind: "stopping"; readonly retryAfterSeconds: number };

type Call = "look" | "over" | "stopping";

interface Entry {
  /** When the time of its request is over. */
  readonly untilMs: number;
  call: (call: Call) => void;
  cancelTimer: () => void;
  /** Whether it has been told of a change and will look. */
  isCalled: boolean;
}

/** Of one agent: its own, and what its connections and starts before have left; then the oldest is answered. */
const AGENT_MAX = 4;
/** So many are answered at once. */
const BURST = 100;
/** What the spread is told for. */
const SPREAD_FOR = 5_000;
const RETRY_MAX_SECONDS = 10;

/**
 * Requests of agents that wait until their snapshots change: one entry and one timer each, so that ten thousand cost
 * nothing while nothing happens. Many that wait for one change are answered over some time, or all would poll at once.
 */
export class HeldRequests {
  readonly #parts: HeldRequestsParts;
  readonly #entries = new Map<string, Set<Entry>>();
  #count = 0;
  #isStopping = false;
  /** When the pace allows the next one; as far behind now as a burst is long, at the most. */
  #dueMs = Number.NEGATIVE_INFINITY;

  constructor(parts: HeldRequestsParts) {
    this.#parts = parts;
  }

  /**
   * Waits until the agent's revision is another than `since`. It registers first and reads then, so that no change falls
   * between.
   *
   * @param readRevision Reads the agent's revision as it is now; what it throws ends the wait.
   */
  async wait(waiting: Waiting, readRevision: () => Promise<number>): Promise<WaitEnding> {
    if (this.#isStopping) return this.#stopping();
    const entry = this.#register(waiting);
    const leave = () => entry.call("over");
    waiting.signal.addEventListener("abort", leave, { once: true });
    try {
      for (;;) {
        const called = this.#called(entry);
        const revision = await readRevision();
        if (revision !== waiting.since) return { kind: "changed", revision };
        if (waiting.signal.aborted) return { kind: "over" };
        const call = await called;
        if (call !== "look") return call === "over" ? { kind: "over" } : this.#stopping();
      }
    } finally {
      waiting.signal.removeEventListener("abort", leave);
      this.#remove(waiting.agentId, entry);
    }
  }

  /** Has those that wait look again whose agents these are. */
  changed(agentIds: readonly string[]): void {
    this.#callAll(agentIds.flatMap((id) => [...this.#entries.get(id) ?? []]));
  }

  /** Has everyone look again: changes may have been missed. */
  allChanged(): void {
    this.#callAll([...this.#entries.values()].flatMap((entries) => [...entries]));
  }

  /** Ends what waits in the name of an agent, whose key has ended: who has a good one asks again. */
  end(agentId: string): void {
    for (const entry of this.#entries.get(agentId) ?? []) entry.call("over");
  }

  /** Answers everybody at once, and from now on whoever comes. */
  stop(): void {
    this.#isStopping = true;
    for (const entries of this.#entries.values()) for (const entry of entries) entry.call("stopping");
  }

  #register({ agentId, waitMs }: Waiting): Entry {
    const entries = this.#entries.get(agentId) ?? new Set();
    this.#entries.set(agentId, entries);
    const [oldest] = entries;
    if (oldest !== undefined && entries.size >= AGENT_MAX) {
      this.#remove(agentId, oldest);
      oldest.call("over");
    }
    const untilMs = this.#parts.clock.monotonic() + waitMs;
    const entry = { untilMs, call: () => {}, cancelTimer: () => {}, isCalled: false };
    entries.add(entry);
    this.#changeBy(1);
    return entry;
  }

  #remove(agentId: string, entry: Entry): void {
    entry.cancelTimer();
    const entries = this.#entries.get(agentId);
    if (entries?.delete(entry) !== true) return;
    if (entries.size === 0) this.#entries.delete(agentId);
    this.#changeBy(-1);
  }

  #changeBy(by: number): void {
    this.#count += by;
    this.#parts.held?.set(this.#count);
  }

  /** The next call of an entry; from now on a change is heard of, and the end of its time. */
  #called(entry: Entry): Promise<Call> {
    const { promise, resolve } = Promise.withResolvers<Call>();
    entry.isCalled = false;
    entry.call = resolve;
    this.#setTimer(entry, { atMs: entry.untilMs, call: "over" });
    return promise;
  }

  #setTimer(entry: Entry, { atMs, call }: { readonly atMs: number; readonly call: Call }): void {
    const { clock } = this.#parts;
    entry.cancelTimer();
    entry.cancelTimer = clock.after(Math.max(0, atMs - clock.monotonic()), () => entry.call(call));
  }

  #callAll(entries: readonly Entry[]): void {
    for (const entry of entries.filter(({ isCalled }) => !isCalled)) {
      entry.isCalled = true;
      const atMs = this.#next();
      if (atMs <= this.#parts.clock.monotonic()) entry.call("look");
      else this.#setTimer(entry, { atMs: Math.min(atMs, entry.untilMs), call: "look" });
    }
  }

  /** When the next of many may be answered. */
  #next(): number {
    const everyMs = this.#parts.wakeSpreadMs / SPREAD_FOR;
    const nowMs = this.#parts.clock.monotonic();
    const dueMs = Math.max(this.#dueMs, nowMs - (BURST - 1) * everyMs);
    this.#dueMs = dueMs + everyMs;
    return dueMs;
  }

  #stopping(): WaitEnding {
    return { kind: "stopping", retryAfterSeconds: 1 + Math.floor(this.#parts.random() * RETRY_MAX_SECONDS) };
  }
}
