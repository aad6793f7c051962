import type { ObjectResult } from "$lib/wire/event.ts";
import type { Clock } from "$lib/clock.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { Inventory } from "./inventory.ts";

/** What bringing a cluster to a stack's desired state came to. */
export interface Outcome {
  /** As metrics count it: a removal that worked is `applied`. */
  readonly result: "applied" | "unchanged" | "failed" | "blocked";
  /** What was done, object by object, deleted ones included; where a bundle is refused, the refused ones. */
  readonly results: readonly ObjectResult[];
  /** For people: what happened, every refusal named, at most 4 KiB. */
  readonly message: string;
  /** Why it failed or is blocked, in one word. */
  readonly reason?:
    | "invalid_bundle"
    | "refused"
    | "apply_failed"
    | "prune_failed"
    | "unavailable"
    | "in_the_way"
    | "going";
  /** Objects found changed or gone without a new submission, and put right. */
  readonly driftRepaired: number;
  /** Objects in the stack's set after this; undefined when that could not be found out. */
  readonly managedObjects: number | undefined;
}

/** What to bring a stack to. */
export interface ReconcileRequest {
  readonly stack: { readonly id: string; readonly name: string };
  readonly object: {
    readonly id: string;
    readonly checksum: string;
    /** Fetches the bundle, checked against its checksum; asked only when no parsed bundle of this checksum is in memory. */
    readonly load: (signal: AbortSignal) => Promise<string>;
  };
  /** False while the broker is not the one the agent knows: apply, but delete nothing. */
  readonly mayPrune: boolean;
}

/** What a reconciler is made of. */
export interface ReconcilerParts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly log: Log;
  readonly agentId: string;
  /** Where root and parents live. */
  readonly inventoryNamespace: string;
  /** For manifests that name none. */
  readonly defaultNamespace: string;
  /** How many writes may be in flight at once, over all stacks. */
  readonly applyConcurrency: number;
  /** How many bytes of bundles to keep parsed; default 32 MiB. */
  readonly bundleCacheBytes?: number;
}

/** Brings one cluster to the desired state of its stacks. One turn per stack at a time; different stacks side by side. */
export interface Reconciler {
  readonly inventory: Inventory;
  /** Steps 1 to 6 of a turn. Never rejects but by the signal: what goes wrong is in the outcome. */
  reconcileStack(request: ReconcileRequest, signal: AbortSignal): Promise<Outcome>;
  /** Prunes everything of a stack and takes its parent away. Never rejects but by the signal. */
  removeStack(stack: { readonly id: string; readonly name: string }, signal: AbortSignal): Promise<Outcome>;
}
