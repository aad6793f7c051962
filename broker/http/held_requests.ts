import type { BoundGauge } from "$lib/metrics.ts";
import { type WakePace, WakeQueue } from "./wake_queue.ts";

/** What holding requests needs. */
export interface HeldRequestsParts extends WakePace {
  readonly random: () => number;
  /** Shows how many are held now. */
  readonly held?: BoundGauge | undefined;
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

interface Entry {
  /** Has it look again. */
  wake: () => void;
  readonly end: (ending: WaitEnding) => void;
}

/** Of one agent: its own, and what its connections and starts before have left; then the oldest is answered. */
const AGENT_MAX = 4;
const RETRY_MAX_SECONDS = 10;
const OVER: WaitEnding = { kind: "over" };

/**
 * Requests of agents that wait until their snapshots change: one entry and one timer each, so that ten thousand cost
 * nothing while nothing happens. Many that wait for one change are answered over some time, or all would poll at once.
 */
export class HeldRequests {
  readonly #parts: HeldRequestsParts;
  readonly #entries = new Map<string, Set<Entry>>();
  readonly #woken: WakeQueue<Entry>;
  #count = 0;
  #isStopping = false;

  constructor(parts: HeldRequestsParts) {
    this.#parts = parts;
    this.#woken = new WakeQueue(parts);
  }

  /**
   * Waits until the agent's revision is another than `since`. It registers first and reads then, so that no change
   * falls between.
   *
   * @param readRevision Reads the agent's revision as it is now; what it throws ends the wait.
   */
  async wait(waiting: Waiting, readRevision: () => Promise<number>): Promise<WaitEnding> {
    if (this.#isStopping) return this.#stopping();
    const { promise: ended, resolve: end } = Promise.withResolvers<WaitEnding>();
    const entry = this.#register(waiting, end);
    const leave = () => end(OVER);
    const cancelTimer = this.#parts.clock.after(waiting.waitMs, leave);
    waiting.signal.addEventListener("abort", leave, { once: true });
    if (waiting.signal.aborted) leave();
    try {
      for (;;) {
        const woken = Promise.withResolvers<undefined>();
        entry.wake = () => woken.resolve(undefined);
        const revision = await readRevision();
        if (revision !== waiting.since) return { kind: "changed", revision };
        const ending = await Promise.race([ended, woken.promise]);
        if (ending !== undefined) return ending;
      }
    } finally {
      cancelTimer();
      waiting.signal.removeEventListener("abort", leave);
      this.#remove(waiting.agentId, entry);
    }
  }

  /** Has those that wait look again whose agents these are. */
  changed(agentIds: readonly string[]): void {
    this.#woken.add(agentIds.flatMap((id) => [...this.#entries.get(id) ?? []]));
  }

  /** Has everyone look again: changes may have been missed. */
  allChanged(): void {
    this.#woken.add([...this.#entries.values()].flatMap((entries) => [...entries]));
  }

  /** Ends what waits in the name of an agent, whose key has ended: who has a good one asks again. */
  end(agentId: string): void {
    for (const entry of this.#entries.get(agentId) ?? []) entry.end(OVER);
  }

  /** Answers everybody at once, and from now on whoever comes. */
  stop(): void {
    this.#isStopping = true;
    for (const entries of this.#entries.values()) for (const entry of entries) entry.end(this.#stopping());
  }

  #register({ agentId }: Waiting, end: Entry["end"]): Entry {
    const entries = this.#entries.get(agentId) ?? new Set();
    this.#entries.set(agentId, entries);
    const [oldest] = entries;
    if (oldest !== undefined && entries.size >= AGENT_MAX) {
      this.#remove(agentId, oldest);
      oldest.end(OVER);
    }
    const entry = { wake: () => {}, end };
    entries.add(entry);
    this.#changeBy(1);
    return entry;
  }

  #remove(agentId: string, entry: Entry): void {
    this.#woken.remove(entry);
    const entries = this.#entries.get(agentId);
    if (entries?.delete(entry) !== true) return;
    if (entries.size === 0) this.#entries.delete(agentId);
    this.#changeBy(-1);
  }

  #changeBy(by: number): void {
    this.#count += by;
    this.#parts.held?.record(this.#count);
  }

  #stopping(): WaitEnding {
    return { kind: "stopping", retryAfterSeconds: 1 + Math.floor(this.#parts.random() * RETRY_MAX_SECONDS) };
  }
}
