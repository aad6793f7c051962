import { newId } from "$lib/ids.ts";
import type { ClaimingStack } from "../../agent/plan/claims.ts";
import { type Slot, SLOTS } from "./slots.ts";

/** A stack as the snapshot has it. */
export interface WantedStack {
  readonly id: string;
  readonly name: string;
  readonly objectId: string;
  readonly sequenceId: number;
  readonly values: ReadonlyMap<Slot, string>;
  readonly isSuspended: boolean;
}

/** What must be in the cluster: every stack, and the values that it wants. No object is wanted twice. */
export class Wanted {
  readonly #stacks = new Map<string, WantedStack>();
  readonly #left = new Set<string>();
  #count = 0;

  get stacks(): readonly WantedStack[] {
    return [...this.#stacks.values()];
  }

  /** Ids of stacks that were in the snapshot, and are not. */
  get left(): readonly string[] {
    return [...this.#left];
  }

  stack(id: string): WantedStack | undefined {
    return this.#stacks.get(id);
  }

  /** The value that some stack wants of an object. */
  valueOf(slot: Slot): string | undefined {
    return this.stacks.map(({ values }) => values.get(slot)).find((value) => value !== undefined);
  }

  get free(): readonly Slot[] {
    return SLOTS.filter((slot) => this.valueOf(slot) === undefined);
  }

  /** A value that nothing had before. */
  newValue(): string {
    this.#count += 1;
    return `value-${this.#count}`;
  }

  /** A new deployment object of a stack; one that wants nothing leaves. */
  submit(id: string | undefined, values: ReadonlyMap<Slot, string>): void {
    if (values.size === 0) return id === undefined ? undefined : this.leave(id);
    this.#count += 1;
    const known = this.#stacks.get(id ?? "");
    const { isSuspended = false } = known ?? {};
    const stackId = id ?? newId();
    const object = { objectId: `object-${this.#count}`, sequenceId: this.#count };
    this.#left.delete(stackId);
    this.#stacks.set(stackId, { id: stackId, name: `stack-${stackId.slice(0, 4)}`, ...object, values, isSuspended });
  }

  leave(id: string): void {
    this.#stacks.delete(id);
    this.#left.add(id);
  }

  suspend(id: string, isSuspended: boolean): void {
    const stack = this.#stacks.get(id);
    if (stack !== undefined) this.#stacks.set(id, { ...stack, isSuspended });
  }

  claiming(): readonly ClaimingStack[] {
    return this.stacks.map(({ id, name, objectId, sequenceId }) => ({
      id,
      name,
      object: { id: objectId, sequenceId },
    }));
  }
}

/** A stack's bundle. */
export function bundleOf({ values }: WantedStack): string {
  return [...values].map(([slot, value]) => `${JSON.stringify(slot.manifest(value))}\n`).join("---\n");
}
