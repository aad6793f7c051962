import type { Snapshot, SnapshotStack } from "$lib/wire/snapshot.ts";
import type { RootRecord, Verdict } from "./guard.ts";

/** A stack that work is about. */
export interface StackRef {
  readonly id: string;
  readonly name: string;
}

/** Bring the cluster to this object; `mayPrune` is false while the broker is not the one the agent knows. */
export interface ApplyWork {
  readonly kind: "apply";
  readonly stack: StackRef;
  readonly object: { readonly id: string; readonly checksum: string };
  readonly mayPrune: boolean;
}
/** Delete everything that was applied for this stack. */
export interface RemoveWork {
  readonly kind: "remove";
  readonly stack: StackRef;
}
/** Say that a removal waits, and why. */
export interface WaitWork {
  readonly kind: "wait";
  readonly stack: StackRef;
  readonly reason: "prune_held" | "epoch_hold";
  /** What a person approves; only with `prune_held`. */
  readonly revision?: number;
}
/** What is to be done for one stack. */
export type Work = ApplyWork | RemoveWork | WaitWork;

/** What a plan is made from. */
export interface Situation {
  readonly snapshot: Snapshot;
  /** The stacks that this agent applied and has not removed. */
  readonly inventory: readonly StackRef[];
  /** Stacks that this agent was told of and that then left the snapshot; nothing of them need have been applied. */
  readonly left: readonly StackRef[];
  /** The guard's word on this snapshot and this inventory. */
  readonly verdict: Verdict;
}

/** What to do for every stack of the snapshot, of the inventory and of those that left, at most one work each. */
export function plan({ snapshot, inventory, left, verdict }: Situation): readonly Work[] {
  const named = snapshot.stacks.flatMap((stack) => workFor(stack, verdict));
  const gone = inventory.filter(({ id }) => verdict.removable.has(id)).map(remove);
  const waiting = inventory.filter(({ id }) => verdict.waiting.has(id)).map((stack) => wait(stack, verdict));
  const applied = new Set(inventory.map(({ id }) => id));
  const unapplied = left.filter(({ id }) => !applied.has(id));
  return [
    ...named,
    ...gone,
    ...waiting,
    ...unapplied.map((stack) => verdict.isOnHold ? wait(stack, verdict) : remove(stack)),
  ];
}

function remove(stack: StackRef): RemoveWork {
  return { kind: "remove", stack };
}

function workFor(stack: SnapshotStack, verdict: Verdict): readonly Work[] {
  const ref = { id: stack.stack_id, name: stack.name };
  if (stack.state === "terminating") return [verdict.isOnHold ? wait(ref, verdict) : remove(ref)];
  if (stack.deployment_object === null) return [];
  const { id, checksum } = stack.deployment_object;
  return [{ kind: "apply", stack: ref, object: { id, checksum }, mayPrune: !verdict.isOnHold }];
}

function wait(stack: StackRef, { isOnHold, root }: { isOnHold: boolean; root: RootRecord }): WaitWork {
  if (isOnHold) return { kind: "wait", stack, reason: "epoch_hold" };
  return { kind: "wait", stack, reason: "prune_held", revision: root.held?.revision };
}
