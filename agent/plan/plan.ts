import type { DriftPolicy } from "$lib/wire/stack.ts";
import type { Snapshot, SnapshotStack, StackRemoval } from "$lib/wire/snapshot.ts";
import { namedStacks, type Verdict } from "./guard.ts";

/** A stack that work is about. */
export interface StackRef {
  readonly id: string;
  readonly name: string;
  /** Whose word brought it here; undefined where only an inventory of old names the stack. */
  readonly generatorId?: string;
}

/** What the snapshot says of how a stack is to be treated. */
export interface StackPolicy {
  /** Nothing is written for it, its removal included. */
  readonly suspended: boolean;
  /** What is done about a difference between deployment objects. */
  readonly drift: DriftPolicy;
  /** The namespace of objects that name none; undefined leaves that to the agent's settings. */
  readonly defaultNamespace?: string;
}

/** The span of the request that asked for a piece of work, flagged for this agent, and when that was. */
export interface Asked {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
  readonly at: string;
}

/** Bring the cluster to this object. */
export interface ApplyWork {
  readonly kind: "apply";
  readonly stack: StackRef & { readonly generatorId: string };
  readonly object: {
    readonly id: string;
    /** The SHA-256 of its bundle. */
    readonly checksum: string;
    /** Of two stacks that want one object, the one with the lower number has it. */
    readonly sequenceId: number;
  };
  readonly policy: StackPolicy;
  /** False while the broker is not the one the agent knows, and for a snapshot that was kept in the cluster. */
  readonly mayPrune: boolean;
  /** Whether an object may be deleted to be made anew; false when `mayPrune` is. */
  readonly mayReplace: boolean;
  /** The revision at which a person approved what the stack's namespaces hold to be deleted. */
  readonly approvedRevision?: number;
  /** The object's submission; no other work for being another. */
  readonly asked?: Asked;
}
/** Delete everything that was applied for this stack. */
export interface RemoveWork {
  readonly kind: "remove";
  readonly stack: StackRef;
  /** Whether a person deleted it, and it did not merely leave the snapshot. */
  readonly byPerson: boolean;
  /** The revision at which a person approved what the stack's namespaces hold to be deleted. */
  readonly approvedRevision?: number;
  /** Who had the stack removed; no other work for being another. */
  readonly asked?: Asked;
}
/** Say that nothing is done for now, and why. */
export interface WaitWork {
  readonly kind: "wait";
  readonly stack: StackRef;
  readonly reason: "prune_held" | "epoch_hold" | "suspended";
  /** The deployment object that waits; undefined where a removal does. */
  readonly object?: ApplyWork["object"];
  /** The namespace of its objects that name none; undefined leaves that to the agent's settings. */
  readonly defaultNamespace?: string;
  /** What a person approves; only with `prune_held`. */
  readonly revision?: number;
}
/** What is to be done for one stack. */
export type Work = ApplyWork | RemoveWork | WaitWork;

/** Why a turn is made, beside its work: what the queues know and a plan does not. */
export interface TurnContext {
  /** The snapshot's revision that was planned last: what a removal is held at. */
  readonly revision: number;
  /** It is part of a resync: what the one look at the whole cluster shows to agree may be passed over. */
  readonly isResync: boolean;
  /** Nothing is passed over: one resync in twelve. */
  readonly compareAll: boolean;
  /** It only puts drift right, of one stack whose objects were seen to change. */
  readonly isDrift: boolean;
  /** Turns in a row before this one that did not settle this work. */
  readonly failures: number;
  readonly stepAside: StepAside;
}

/** Waits for what other turns hold with this turn's place given to another stack meanwhile. */
export type StepAside = <T>(wait: () => Promise<T>) => Promise<T>;

/** What a plan is made from. */
export interface Situation {
  readonly snapshot: Snapshot;
  /** Whether the snapshot is a kept one: from it alone nothing is pruned and nothing replaced. */
  readonly isKept?: boolean;
  /** The stacks that this agent applied and has not removed. */
  readonly inventory: readonly StackRef[];
  /** Stacks that this agent was told of, or that the broker takes to be here, and that are not in the snapshot. */
  readonly left: readonly StackRef[];
  /** Stacks of which the broker was told that they are removed, and of which nothing was wanted since. */
  readonly removed: ReadonlySet<string>;
  /** The guard's word on this snapshot and this inventory. */
  readonly verdict: Verdict;
}

/** A deployment object, and the SHA-256 of its bundle. */
export type BundleRef = Pick<ApplyWork["object"], "id" | "checksum">;

/** So many bundles are read ahead, none longer than so many bytes: what is read is kept until its turn comes. */
const READ_AHEAD_MAX = 8;
const READ_AHEAD_BYTES = 256 * 1024;

/**
 * The objects that stacks are to be brought to by one snapshot and not by the one before: those that are read ahead.
 */
export function newObjects(before: Snapshot, after: Snapshot): readonly BundleRef[] {
  const known = new Set(before.stacks.map(({ deployment_object: object }) => object?.id));
  const fresh = after.stacks.flatMap(({ state, deployment_object: object }) => {
    const isNew = state === "present" && object !== null && !known.has(object.id);
    return isNew && object.size_bytes <= READ_AHEAD_BYTES ? [{ id: object.id, checksum: object.checksum }] : [];
  });
  return fresh.slice(0, READ_AHEAD_MAX);
}

/** What to do for every stack of the snapshot, of the inventory and of those that left, at most one work each. */
export function plan(situation: Situation): readonly Work[] {
  const { snapshot, inventory, left } = situation;
  const applied = new Set(inventory.map(({ id }) => id));
  const named = namedStacks(snapshot);
  const absent = [...inventory, ...left.filter(({ id }) => !applied.has(id))].filter(({ id }) => !named.has(id));
  return [
    ...snapshot.stacks.flatMap((stack) => workFor(stack, { ...situation, applied })),
    ...absent.flatMap((stack) => removal(stack, { byPerson: false }, situation)),
  ];
}

type Judged = Pick<Situation, "snapshot" | "isKept" | "verdict">;

function workFor(
  stack: SnapshotStack,
  situation: Judged & { readonly applied: ReadonlySet<string>; readonly removed: ReadonlySet<string> },
): readonly Work[] {
  const { stack_id: id, name, generator_id: generatorId, deployment_object: object } = stack;
  const ref = { id, name, generatorId };
  if (stack.state === "terminating") {
    if (stack.suspended === true) return [{ kind: "wait", stack: ref, reason: "suspended" }];
    const isDone = situation.removed.has(id) && !situation.applied.has(id);
    return isDone ? [] : removal(ref, { byPerson: true }, situation);
  }
  if (object === null) {
    const isWaiting = stack.suspended === true && situation.applied.has(id);
    return isWaiting ? [{ kind: "wait", stack: ref, reason: "suspended" }] : [];
  }
  const work = applyWork(ref, { ...stack, deployment_object: object }, situation);
  return [stack.suspended === true ? suspended(work) : work];
}

function suspended({ stack, object, policy: { defaultNamespace } }: ApplyWork): WaitWork {
  const where = defaultNamespace === undefined ? {} : { defaultNamespace };
  return { kind: "wait", stack, reason: "suspended", object, ...where };
}

function applyWork(
  stack: ApplyWork["stack"],
  { drift = "repair", default_namespace: defaultNamespace, deployment_object: object }: SnapshotStack & {
    readonly deployment_object: NonNullable<SnapshotStack["deployment_object"]>;
  },
  situation: Judged,
): ApplyWork {
  const mayPrune = !situation.verdict.isOnHold && situation.isKept !== true;
  const { traceparent, tracestate, submitted_at: at } = object;
  return {
    kind: "apply",
    stack,
    object: { id: object.id, checksum: object.checksum, sequenceId: object.sequence_id },
    policy: { suspended: false, drift, ...(defaultNamespace === undefined ? {} : { defaultNamespace }) },
    mayPrune,
    mayReplace: mayPrune,
    ...approval(stack.id, situation),
    ...(traceparent === undefined ? {} : { asked: { traceparent, tracestate, at } }),
  };
}

/** From a kept snapshot alone nothing is removed, and nothing said of it. */
function removal(
  stack: StackRef,
  { byPerson }: Pick<RemoveWork, "byPerson">,
  situation: Judged,
): readonly (RemoveWork | WaitWork)[] {
  const { isKept = false, verdict: { isOnHold, waiting, root } } = situation;
  if (isKept) return [];
  if (isOnHold) return [{ kind: "wait", stack, reason: "epoch_hold" }];
  if (waiting.has(stack.id)) {
    const revision = root.held.find(({ id }) => id === stack.id)?.revision;
    return [{ kind: "wait", stack, reason: "prune_held", ...(revision === undefined ? {} : { revision }) }];
  }
  const { removals = [] } = situation.snapshot;
  const asked = removals.find(({ stack_id }) => stack_id === stack.id);
  return [{
    ...{ kind: "remove", stack, byPerson, ...approval(stack.id, situation) },
    ...(asked === undefined ? {} : { asked: askedBy(asked) }),
  }];
}

function askedBy({ traceparent, tracestate, asked_at: at }: StackRemoval): Asked {
  return { traceparent, tracestate, at };
}

function approval(id: string, { snapshot: { approved_stacks = [] } }: Judged): Pick<RemoveWork, "approvedRevision"> {
  const approved = approved_stacks.find(({ stack_id }) => stack_id === id);
  return approved === undefined ? {} : { approvedRevision: approved.revision };
}
