import pLimit from "p-limit";
import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { type CountedStack, type GuardLimits, judge, type RootRecord, type Verdict } from "./guard.ts";
import { judgeRemoval, type Removal, withoutPart } from "./guard_objects.ts";

/** Where the root object is read and written. */
export interface RootStore {
  /** What the root object remembers; nothing when there is none. */
  readRoot(signal?: AbortSignal): Promise<RootRecord>;
  /** Writes what differs from the record last read or written; makes the root when there is none. */
  writeRoot(record: RootRecord, signal?: AbortSignal): Promise<void>;
}

/** The guard's answer; `revision` is what a person approves. */
export type RemovalAnswer = { readonly isAllowed: true } | { readonly isAllowed: false; readonly revision: number };

/** What the guard needs. */
export interface PruneGuardParts {
  readonly store: RootStore;
  readonly limits: GuardLimits;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
  /** Hears that a turn's removal was held: what else the snapshot removes must be judged anew, and held with it. */
  readonly onHeld: () => void;
}

/** A snapshot to be judged. */
export interface Judging {
  readonly snapshot: Snapshot;
  /** The inventory, which is being read. */
  readonly inventory: Promise<readonly CountedStack[]>;
  /** Whether nothing may be written any more, the root neither. */
  readonly isStopped: () => boolean;
}

/** The guard's word on a snapshot. */
export interface Judgement {
  readonly before: RootRecord;
  readonly verdict: Verdict;
  /** Resolves when the root says what was decided; rejects when it can't be written. Nothing may be written before. */
  readonly recorded: Promise<void>;
}

/**
 * The guard with its memory, the root object: two doors, one for stacks that leave the snapshot and one for objects
 * that leave a bundle, one question at a time. Nothing may be deleted before the root says what was decided.
 */
export class PruneGuard {
  readonly #parts: PruneGuardParts;
  readonly #inTurn = pLimit(1);
  /** Resolves when the root is not being written by what was judged last. */
  #recorded = Promise.resolve();
  /** What was judged last. */
  #judged: { readonly root: RootRecord; readonly revision: number; readonly applied: number } | undefined;

  constructor(parts: PruneGuardParts) {
    this.#parts = parts;
  }

  /** What the root says, without a judgement: of a snapshot that is not the broker's present word. */
  async read(signal: AbortSignal): Promise<RootRecord> {
    return await this.#oneByOne(() => this.#parts.store.readRoot(signal));
  }

  /**
   * Judges a believed snapshot; undefined when that was stopped before the root was to be written. What can be done
   * without a write need not wait until it is.
   */
  async judge({ snapshot, inventory, isStopped }: Judging, signal: AbortSignal): Promise<Judgement | undefined> {
    const { store, limits, clock } = this.#parts;
    return await this.#oneByOne(async () => {
      const [before, counted] = await Promise.all([store.readRoot(signal), inventory]);
      if (isStopped()) return undefined;
      const verdict = judge({ root: before, snapshot, inventory: counted, limits, nowMs: clock.now() });
      const recorded = store.writeRoot(verdict.root, signal).then(() => {
        const applied = counted.reduce((sum, { objects }) => sum + objects, 0);
        this.#judged = { root: verdict.root, revision: snapshot.revision, applied };
      });
      this.#recorded = recorded.catch(() => {});
      return { before, verdict, recorded };
    });
  }

  /**
   * Asks whether objects of a stack that is wanted still may be removed; the root says so before the answer comes. To
   * be asked again by a turn that repeats it: the same objects count once. Without keys nothing of the stack is held
   * any more.
   */
  async ask(removal: Removal, signal: AbortSignal): Promise<RemovalAnswer> {
    const { answer, isNew } = await this.#oneByOne(() => this.#ask(removal, signal));
    if (isNew) this.#parts.onHeld();
    return answer;
  }

  /** Hears that a stack's turn left nothing to be removed of its objects: none of them is held any more. */
  async settled(stackId: string, signal: AbortSignal): Promise<void> {
    if (!this.#holdsObjectsOf(stackId)) return;
    await this.#oneByOne(async () => {
      if (this.#judged !== undefined) await this.#remember(withoutPart(this.#judged.root, stackId), signal);
    });
  }

  #holdsObjectsOf(stackId: string): boolean {
    return this.#judged?.root.held.some(({ id, keys }) => id === stackId && keys !== undefined) === true;
  }

  /** A turn comes after a judgement, but for one that was begun by a kept snapshot: that may remove nothing. */
  async #ask(removal: Removal, signal: AbortSignal): Promise<{ answer: RemovalAnswer; isNew: boolean }> {
    const { clock, limits, log } = this.#parts;
    if (this.#judged === undefined) return { answer: { isAllowed: false, revision: 0 }, isNew: false };
    const { root: before } = this.#judged;
    const { root, isAllowed } = judgeRemoval({ ...this.#judged, limits, nowMs: clock.now() }, removal);
    await this.#remember(root, signal);
    if (isAllowed) return { answer: { isAllowed }, isNew: false };
    const revision = root.held.find(({ id }) => id === removal.stackId)?.revision ?? this.#judged.revision;
    const isNew = root.held !== before.held;
    if (isNew) {
      log.error("more objects would vanish than the guard allows: their removal waits for approval", {
        stack: removal.stackName,
        stack_id: removal.stackId,
        objects: removal.keys.length,
        revision,
      });
    }
    return { answer: { isAllowed, revision }, isNew };
  }

  async #remember(root: RootRecord, signal: AbortSignal): Promise<void> {
    if (this.#judged === undefined) return;
    await this.#parts.store.writeRoot(root, signal);
    this.#judged = { ...this.#judged, root };
  }

  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#recorded;
      return await work();
    });
  }
}
