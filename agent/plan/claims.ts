import type { StackRecord, WantedKeys } from "./record.ts";

/** A stack of the snapshot, as far as wanting objects goes. */
export interface ClaimingStack {
  readonly id: string;
  readonly name: string;
  /** Its newest deployment object; undefined where it wants nothing any more: it is being removed, or has none. */
  readonly object: { readonly id: string; readonly sequenceId: number } | undefined;
}

/** Who else wants an object: a stack of the snapshot, or nobody; `unknown` until every changed bundle was read. */
export type Claim = ClaimingStack | "nobody" | "unknown";

/** For as long as an object is being removed. */
export interface ClaimWatch extends Disposable {
  /** Aborts when somebody comes to want the object, or may want it. */
  readonly signal: AbortSignal;
}

interface Watched {
  readonly key: string;
  readonly stackId: string;
  readonly abort: AbortController;
}

/**
 * Which stack of the last snapshot wants which object. An object that leaves one stack and that another one wants is
 * handed over, not deleted; so nothing is deleted by absence before it is known what every stack wants.
 */
export class Claims {
  #stacks: ReadonlyMap<string, ClaimingStack> = new Map();
  #changes = 0;
  /** What stacks may not have, as the API server said when they tried. */
  readonly #refused = new Map<string, ReadonlySet<string>>();
  readonly #wanted = new Map<string, { readonly objectId: string; readonly keys: ReadonlySet<string> }>();
  readonly #watched = new Set<Watched>();

  /** Takes the stacks of a new plan; whatever else is known of others is forgotten. */
  plan(stacks: readonly ClaimingStack[]): void {
    this.#stacks = new Map(stacks.map((stack) => [stack.id, stack]));
    for (const known of [this.#wanted, this.#refused]) {
      for (const id of known.keys()) if (!this.#stacks.has(id)) known.delete(id);
    }
    this.#abortWanted(this.#watched);
  }

  /** How often it became known what a stack wants, or may not have: those that wait for that look again. */
  get changes(): number {
    return this.#changes;
  }

  /** A bundle was read: it wants these keys; in another default namespace the same bundle wants others. */
  know(stackId: string, { deploymentObjectId: objectId, keys: list }: WantedKeys): void {
    const keys = new Set(list);
    const before = this.#wanted.get(stackId);
    if (before?.objectId === objectId && before.keys.symmetricDifference(keys).size === 0) return;
    this.#wanted.set(stackId, { objectId, keys });
    this.#changes += 1;
    this.#abortWanted([...this.#watched].filter(({ key }) => keys.has(key)));
  }

  /** Whether it is known what a stack's newest bundle wants; of a stack that wants nothing it is. */
  isKnown(stackId: string): boolean {
    const object = this.#stacks.get(stackId)?.object;
    return object === undefined || this.#wanted.get(stackId)?.objectId === object.id;
  }

  /** A stack tried, and has no right to these keys: it comes first for none of them. */
  refuse(stackId: string, keys: readonly string[]): void {
    const before = this.#refused.get(stackId) ?? new Set();
    const now = new Set(keys);
    if (before.symmetricDifference(now).size === 0) return;
    this.#refused.set(stackId, now);
    this.#changes += 1;
  }

  /** A record says what its stack's bundle wants; passed over where the snapshot names a newer bundle. */
  recall({ id, wanted }: Pick<StackRecord, "id" | "wanted">): void {
    if (wanted === undefined || this.isKnown(id)) return;
    if (this.#stacks.get(id)?.object?.id === wanted.deploymentObjectId) this.know(id, wanted);
  }

  /**
   * Who wants an object that a turn of this stack is to remove: the first other stack that is known to. A turn that was
   * overtaken works with a bundle that its stack has replaced: what the newer one wants, or may want, waits for its
   * turn.
   */
  wantedBy(key: string, stackId: string): Claim {
    let isUnknown = false;
    for (const stack of this.#stacks.values()) {
      const isWanted = this.isWanted(key, stack);
      if (isWanted === "yes" && stack.id !== stackId) return stack;
      isUnknown ||= isWanted !== "no";
    }
    return isUnknown ? "unknown" : "nobody";
  }

  /**
   * Watches over an object that nobody wants, and that a turn of this stack removes: its request may take minutes to
   * go.
   */
  watch(key: string, stackId: string): ClaimWatch {
    const abort = new AbortController();
    const watched = { key, stackId, abort };
    this.#watched.add(watched);
    return { signal: abort.signal, [Symbol.dispose]: () => this.#watched.delete(watched) };
  }

  /** Of an object that nobody has yet: the stack that was submitted before this one, wants it and may have it. */
  comesFirst(key: string, stackId: string): ClaimingStack | undefined {
    const own = this.#stacks.get(stackId)?.object;
    if (own === undefined) return undefined;
    return this.#stacks.values().find((stack) =>
      stack.object !== undefined && stack.object.sequenceId < own.sequenceId && stack.id !== stackId &&
      this.isWanted(key, stack) === "yes" && this.#refused.get(stack.id)?.has(key) !== true
    );
  }

  /** Whether a stack wants an object. */
  isWanted(key: string, { id, object }: ClaimingStack): "yes" | "no" | "unknown" {
    if (object === undefined) return "no";
    const wanted = this.#wanted.get(id);
    if (wanted?.objectId !== object.id) return "unknown";
    return wanted.keys.has(key) ? "yes" : "no";
  }

  /** The stack as the last plan has it. */
  stack(stackId: string): ClaimingStack | undefined {
    return this.#stacks.get(stackId);
  }

  #abortWanted(watched: Iterable<Watched>): void {
    for (const { key, stackId, abort } of watched) {
      if (this.wantedBy(key, stackId) !== "nobody") abort.abort(new DOMException("it is wanted", "AbortError"));
    }
  }
}
