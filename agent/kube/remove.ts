import type { Clock } from "$lib/clock.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import type { Discovery } from "./discovery.ts";
import { waitUntilGone } from "./gone.ts";
import type { Limiter } from "./limiter.ts";
import { listMembers } from "./members.ts";
import type { AppliedMemory } from "./memory.ts";
import type { Parents } from "./parents.ts";
import { prune, type Pruned, type PruneParts } from "./prune.ts";
import { failed, type Outcome, outcomeOf } from "../deliver/outcome.ts";

/** What removing needs. */
export interface RemoveParts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly discovery: Discovery;
  readonly limiter: Limiter;
  readonly memory: AppliedMemory;
  readonly parents: Parents;
  readonly acted: PruneParts["acted"];
}

/**
 * Prunes everything that a stack's parent names, waits until it is gone, and takes the parent away last: as long as
 * something is left, the inventory knows of it. A stack without a parent is removed already.
 */
export async function removeSet(
  parts: RemoveParts,
  { id }: { readonly id: string },
  signal: AbortSignal,
): Promise<Outcome> {
  const parent = await parts.parents.find(id, signal);
  parts.memory.retain(id, new Set());
  if (parent === undefined) return outcomeOf({ ...NOTHING, isRemoval: true, managedObjects: 0 });
  const set = await parts.parents.setOf(id);
  const members = await listMembers(parts, { setId: set.id, ...parent.record }, signal);
  if (members.failures.length > 0) return failed("list_failed", members.failures);
  const pruned = await prune({ ...parts, set }, [...members.byKey.values()], signal);
  if (!isClean(pruned)) return outcomeOf({ ...NOTHING, isRemoval: true, pruned });
  const going = await waitUntilGone({ ...parts, set }, pruned.going, signal);
  if (going.length > 0) {
    return outcomeOf({ ...NOTHING, isRemoval: true, pruned: { ...pruned, going }, reason: "going" });
  }
  await parts.parents.remove(id, parent, signal);
  return outcomeOf({ ...NOTHING, isRemoval: true, pruned, managedObjects: 0 });
}

const NOTHING = { unchanged: [], applied: [] } as const;

function isClean({ results, blocked, untried }: Pruned): boolean {
  return blocked.length === 0 && untried.length === 0 && results.every(({ action }) => action !== "failed");
}
