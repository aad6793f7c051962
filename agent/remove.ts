import type { Clock } from "$lib/clock.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import type { Discovery } from "./kube/discovery.ts";
import type { Limiter } from "./kube/limiter.ts";
import { listMembers, type Members } from "./kube/members.ts";
import type { AppliedMemory } from "./kube/memory.ts";
import type { Parent, Parents } from "./kube/parents.ts";
import { prune, type Pruned, type PruneParts } from "./kube/prune.ts";
import { failed, type Outcome, outcomeOf } from "./outcome.ts";

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

const INTERVAL_MS = 500;
const TIMEOUT_MS = 30_000;

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
  const members = await membersOf(parts, { id, parent }, signal);
  if (members.failures.length > 0) return failed("list_failed", members.failures);
  const set = await parts.parents.setOf(id);
  const pruned = await prune({ ...parts, set }, [...members.byKey.values()], signal);
  if (!isClean(pruned)) return outcomeOf({ ...NOTHING, isRemoval: true, pruned });
  const stuck = pruned.going.length === 0 ? [] : await waitUntilGone(parts, { id, parent, pruned }, signal);
  if (stuck.length > 0) return outcomeOf({ ...NOTHING, isRemoval: true, pruned, reason: "going", lines: stuck });
  await parts.parents.remove(id, parent, signal);
  return outcomeOf({ ...NOTHING, isRemoval: true, pruned, managedObjects: 0 });
}

const NOTHING = { unchanged: [], applied: [] } as const;

interface Removing {
  readonly id: string;
  readonly parent: Parent;
}

async function membersOf(parts: RemoveParts, { id, parent }: Removing, signal: AbortSignal): Promise<Members> {
  const { groupKinds, namespaces } = parent.record;
  const set = await parts.parents.setOf(id);
  return await listMembers(parts, { setId: set.id, groupKinds, namespaces }, signal);
}

function isClean({ results, blocked }: Pruned): boolean {
  return blocked.length === 0 && results.every(({ action }) => action !== "failed");
}

/** What is still there after 30 s, in words. */
async function waitUntilGone(
  parts: RemoveParts,
  { pruned, ...removing }: Removing & { readonly pruned: Pruned },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const uids = new Set(pruned.going.map(({ meta }) => meta.uid));
  const endMs = parts.clock.monotonic() + TIMEOUT_MS;
  for (;;) {
    const { byKey, failures } = await membersOf(parts, removing, signal);
    const left = [...byKey.values()].filter(({ meta }) => uids.has(meta.uid));
    if (left.length === 0 && failures.length === 0) return [];
    if (parts.clock.monotonic() >= endMs) {
      return [...left.map(({ place }) => `${place.resource.kind} "${place.name}" is still being deleted`), ...failures];
    }
    await parts.clock.sleep(INTERVAL_MS, signal);
  }
}
