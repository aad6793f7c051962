import type { Clock } from "$lib/clock.ts";
import { mayBeUnhealthy } from "../kube/health/health.ts";
import { type Compared, isAsCompared, type SeenState } from "../kube/watch/drift.ts";
import { type GroupKind, groupKindText, objectKey } from "../kube/names.ts";
import { KindWatch, type KindWatchParts, type SeenBefore, type SeenObject } from "../kube/watch/watches.ts";

/** What watching what this agent applied needs. */
export interface WatchesParts extends Omit<KindWatchParts, "groupKind" | "listener"> {
  readonly agentId: string;
  /** What the records say of an object that was written or compared last; undefined for what is in none. */
  readonly compared: (key: string) => Compared | undefined;
  /** Whether a stack's objects are not compared between deployment objects. */
  readonly isDriftOff: (stackId: string) => boolean;
  /** Whether a turn of the stack is in progress: what is seen then is looked at again when it is over. */
  readonly isInTurn: (stackId: string) => boolean;
  /** Hears, at most once a second, that objects of a stack are not as they were compared last. */
  readonly onDrift: (stackId: string, keys: readonly string[]) => void;
  /** Hears of every other change of an object whose health may differ by it. */
  readonly onChange: (stackId: string, key: string) => void;
}

/**
 * Milliseconds from the first change of a stack's objects until it is put right: what changes meanwhile goes with it.
 */
export const DRIFT_DEBOUNCE_MS = 1_000;

/** The watches of every kind in the inventory: what they see becomes work on one stack alone. */
export class Watches {
  readonly #parts: WatchesParts;
  readonly #signal: AbortSignal;
  readonly #drift: DriftWindow;
  readonly #kinds = new Map<string, { readonly watch: KindWatch; readonly ending: AbortController }>();
  readonly #closing = new Set<Promise<void>>();

  /** Opens nothing; everything ends when `signal` aborts. */
  constructor(parts: WatchesParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#drift = new DriftWindow(parts, signal);
  }

  /** Watches exactly these kinds, and in the namespaces of now. To be called whenever a record gains or loses one. */
  setKinds(groupKinds: readonly GroupKind[]): void {
    const wanted = new Map(groupKinds.map((groupKind) => [groupKindText(groupKind), groupKind]));
    for (const [name, { watch, ending }] of this.#kinds) {
      if (wanted.has(name)) {
        watch.followNamespaces();
        continue;
      }
      ending.abort();
      this.#kinds.delete(name);
      const closed = watch.ended().finally(() => this.#closing.delete(closed));
      this.#closing.add(closed);
    }
    for (const [name, groupKind] of wanted) if (!this.#kinds.has(name)) this.#open(name, groupKind);
  }

  /** Whether every change of a kind is seen as it happens, now. */
  isWatched(groupKind: GroupKind): boolean {
    return this.#kinds.get(groupKindText(groupKind))?.watch.isOpen ?? false;
  }

  /** Resolves when the signal has aborted and every watch has ended. Never rejects. */
  async ended(): Promise<void> {
    await Promise.all([...this.#closing, ...[...this.#kinds.values()].map(({ watch }) => watch.ended())]);
  }

  #open(name: string, groupKind: GroupKind): void {
    if (this.#signal.aborted) return;
    const ending = new AbortController();
    const listener = {
      seen: (object: SeenObject, before: SeenBefore | undefined) => this.#seen(groupKind, object, before),
      gone: (place: Pick<SeenObject, "namespace" | "name">, before: SeenBefore) => this.#gone(groupKind, place, before),
    };
    const signal = AbortSignal.any([this.#signal, ending.signal]);
    this.#kinds.set(name, { watch: new KindWatch({ ...this.#parts, groupKind, listener }, signal), ending });
  }

  #seen(groupKind: GroupKind, object: SeenObject, before: SeenBefore | undefined): void {
    const { agentId, compared } = this.#parts;
    if (object.ownerId !== undefined && object.ownerId !== agentId) return;
    const key = objectKey(groupKind, object);
    const record = compared(key);
    if (record === undefined) return;
    if (mayBeUnhealthy(groupKind)) this.#parts.onChange(record.stackId, key);
    if (before?.digest === object.digest) this.#drift.follow(record.stackId, key, object);
    else this.#drift.note(record, key, object);
  }

  #gone(groupKind: GroupKind, place: Pick<SeenObject, "namespace" | "name">, { uid }: SeenBefore): void {
    const key = objectKey(groupKind, place);
    const record = this.#parts.compared(key);
    if (record === undefined) return;
    if (mayBeUnhealthy(groupKind)) this.#parts.onChange(record.stackId, key);
    this.#drift.note(record, key, { uid });
  }
}

/** An object as it was seen last, or the uid of one that is gone. */
type Noted = SeenState | Pick<SeenState, "uid">;

interface WindowParts extends Pick<WatchesParts, "compared" | "isDriftOff" | "isInTurn" | "onDrift"> {
  readonly clock: Clock;
}

/**
 * Collects what changed of a stack's objects for a moment. What is then, as it was seen last, as the record says was
 * our own write, whose event came before its answer, or was put right by a turn in between; what is by then another
 * stack's is that one's to put right, or to leave as it is.
 */
class DriftWindow {
  readonly #parts: WindowParts;
  readonly #stacks = new Map<string, Map<string, Noted>>();
  readonly #cancels = new Map<string, () => void>();

  constructor(parts: WindowParts, signal: AbortSignal) {
    this.#parts = parts;
    signal.addEventListener("abort", () => this.#cancels.forEach((cancel) => cancel()), { once: true });
  }

  note(record: Compared, key: string, noted: Noted): void {
    if (!this.follow(record.stackId, key, noted)) this.#add(record, key, noted);
  }

  /** What is collected already is from now on as it was seen last; says whether it was. */
  follow(stackId: string, key: string, noted: Noted): boolean {
    const objects = this.#stacks.get(stackId);
    if (objects?.has(key) !== true) return false;
    objects.set(key, noted);
    return true;
  }

  #add(record: Compared, key: string, noted: Noted): void {
    const { stackId } = record;
    if (!differs(record, noted)) return;
    const objects = this.#stacks.get(stackId) ?? new Map<string, Noted>();
    if (objects.size === 0) this.#arm(stackId);
    this.#stacks.set(stackId, objects.set(key, noted));
  }

  #arm(stackId: string): void {
    this.#cancels.set(stackId, this.#parts.clock.after(DRIFT_DEBOUNCE_MS, () => this.#close(stackId)));
  }

  #close(stackId: string): void {
    const { compared, isDriftOff, isInTurn, onDrift } = this.#parts;
    if (isInTurn(stackId)) return this.#arm(stackId);
    const objects = this.#stacks.get(stackId) ?? [];
    this.#stacks.delete(stackId);
    this.#cancels.delete(stackId);
    const keys: string[] = [];
    for (const [key, noted] of objects) {
      const record = compared(key);
      if (record === undefined) continue;
      if (record.stackId !== stackId) this.#handOn(record, key, noted);
      else if (!isDriftOff(stackId) && differs(record, noted)) keys.push(key);
    }
    if (keys.length > 0) onDrift(stackId, keys);
  }

  /** To the stack that has the object by now, unless it has seen more of it already. */
  #handOn(record: Compared, key: string, noted: Noted): void {
    if (this.#stacks.get(record.stackId)?.has(key) !== true) this.#add(record, key, noted);
  }
}

/** What is gone before its record says which object it was may have been that one. */
function differs(record: Compared, noted: Noted): boolean {
  if ("digest" in noted) return !isAsCompared(record, noted);
  return record.uid === undefined || record.uid === noted.uid;
}
