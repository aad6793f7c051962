import type { Clock } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { ObjectAction } from "$lib/wire/event.ts";
import { createInventory, type Inventory } from "./inventory.ts";
import { applyWrites } from "./apply.ts";
import { type BundleCache, createBundleCache } from "./bundles.ts";
import { type Check, checkDesired } from "./check.ts";
import { type Desired, resolveDesired } from "./desired.ts";
import { createDiscovery, type Discovery, withFreshTypes } from "./discovery.ts";
import { createLimiter, type Limiter } from "./limiter.ts";
import { listMembers, type Member, type Members } from "./members.ts";
import { type AppliedMemory, createAppliedMemory } from "./memory.ts";
import { type GroupKind, groupKindText, type SetIdentity } from "./names.ts";
import { createOtherSets, type OtherSets } from "./other_sets.ts";
import { createParents, type Parent, type ParentRecord, type Parents } from "./parents.ts";
import { prune, type Pruned } from "./prune.ts";
import { withBoundedReads } from "./reads.ts";
import { failed, type Outcome, outcomeOf } from "../deliver/outcome.ts";
import { removeSet } from "./remove.ts";

export type { Outcome } from "../deliver/outcome.ts";

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
  /**
   * Hears what was done to each object, when it is done: a turn that is given up has no end to count at. A repair is a
   * write of what was applied whole before, and found changed or gone.
   */
  readonly acted: (action: ObjectAction, options?: { readonly isRepair?: boolean }) => void;
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
  /** How many objects a stack's set holds; undefined when that can't be found out. Never rejects but by the signal. */
  countObjects(stackId: string, signal: AbortSignal): Promise<number | undefined>;
}

const BUNDLE_CACHE_BYTES = 32 * 1024 * 1024;
const READS_AT_ONCE = 16;

/** What every turn works with; made once. */
export interface Workshop {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly discovery: Discovery;
  readonly limiter: Limiter;
  readonly memory: AppliedMemory;
  readonly otherSets: OtherSets;
  readonly parents: Parents;
  readonly acted: ReconcilerParts["acted"];
}

/** A reconciler that remembers nothing yet: what was applied before, it finds in the cluster. */
export function createReconciler(parts: ReconcilerParts): Reconciler {
  const { clock, agentId, inventoryNamespace: namespace, defaultNamespace } = parts;
  const bounded = withBoundedReads(parts.kubernetes, READS_AT_ONCE);
  const discovery = createDiscovery(bounded);
  const kubernetes = withFreshTypes(bounded, discovery);
  const bundles = createBundleCache(parts.bundleCacheBytes ?? BUNDLE_CACHE_BYTES, clock);
  const shop: Workshop = {
    kubernetes,
    clock,
    discovery,
    limiter: createLimiter(parts.applyConcurrency),
    memory: createAppliedMemory(),
    otherSets: createOtherSets({ kubernetes, agentId, namespace }),
    parents: createParents({ kubernetes, agentId, namespace }),
    acted: parts.acted,
  };
  return {
    inventory: createInventory({ ...parts, namespace }),
    reconcileStack: (request, signal) =>
      guarded(() => reconcile({ ...shop, bundles, defaultNamespace }, request, signal), signal),
    removeStack: (stack, signal) => guarded(() => removeSet(shop, stack, signal), signal),
    countObjects: (stackId, signal) => countMembers(shop, stackId, signal),
  };
}

/** Turns an expected failure into an outcome, so that whoever queues the work has one thing to look at. */
async function guarded(work: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
    const { code } = error;
    const reason = code === "broker_rejected" || code === "kubernetes_rejected" ? code : "unavailable";
    return failed(reason, [messageOf(error)]);
  }
}

async function countMembers(shop: Workshop, stackId: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const parent = await shop.parents.find(stackId, signal);
    if (parent === undefined) return 0;
    const set = await shop.parents.setOf(stackId);
    const { byKey, failures } = await listMembers(shop, { setId: set.id, ...parent.record }, signal);
    return failures.length === 0 ? byKey.size : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
    return undefined;
  }
}

type Turn = Workshop & { readonly bundles: BundleCache; readonly defaultNamespace: string };

async function reconcile(turn: Turn, request: ReconcileRequest, signal: AbortSignal): Promise<Outcome> {
  const { stack, object } = request;
  const bundle = await turn.bundles.get(object.checksum, () => object.load(signal));
  if (bundle.faults.length > 0) return failed("invalid_bundle", bundle.faults);
  const set = await turn.parents.setOf(stack.id);
  const { desired, refusals } = await resolveDesired(bundle.manifests, { ...turn, set }, signal);
  const parent = await turn.parents.find(stack.id, signal);
  const scope = scopeOf(desired, parent?.record);
  const members = await listMembers(turn, { setId: set.id, ...scope }, signal);
  const check = await checkDesired({ ...turn, set }, { desired, members }, signal);
  const refused = [...refusals, ...check.refusals];
  refused.forEach(({ action }) => turn.acted(action));
  if (refused.length > 0) return failed("refused", [], { results: refused });
  return await bring({ ...turn, set, parent, desired, members, check, scope }, request, signal);
}

interface Scope {
  readonly groupKinds: readonly GroupKind[];
  readonly namespaces: readonly string[];
}

/** Where members can be once this bundle is applied: where they could be before, and where it puts them. */
function scopeOf(objects: readonly Pick<Desired, "groupKind" | "place">[], before?: Scope): Scope {
  const groupKinds = [...before?.groupKinds ?? [], ...objects.map(({ groupKind }) => groupKind)];
  const namespaces = objects.flatMap(({ place: { namespace } }) => namespace === undefined ? [] : [namespace]);
  return {
    groupKinds: [...new Map(groupKinds.map((one) => [groupKindText(one), one])).values()],
    namespaces: [...new Set([...before?.namespaces ?? [], ...namespaces])],
  };
}

interface Bringing extends Turn {
  readonly set: SetIdentity;
  readonly parent: Parent | undefined;
  readonly desired: readonly Desired[];
  readonly members: Members;
  readonly check: Check;
  readonly scope: Scope;
}

/**
 * Writes, in an order in which it can be killed anywhere: the parent names every kind and namespace before an object of
 * it is there, and forgets them after the last is gone; it names the deployment object only when that is applied whole.
 */
async function bring(bringing: Bringing, request: ReconcileRequest, signal: AbortSignal): Promise<Outcome> {
  const { parents, parent, check, members, desired, scope, set } = bringing;
  const { stack, object, mayPrune } = request;
  const record = { ...blank(parent?.record), stackName: stack.name, ...scope };
  const mustRecord = parent === undefined || check.writes.length > 0;
  const recorded = mustRecord ? await parents.write(stack.id, { before: parent, record }, signal) : parent;
  const unchanged = check.unchanged.map(({ place }) => place);
  unchanged.forEach(() => bringing.acted("unchanged"));
  const isDrift = parent?.record.deploymentObjectId === object.id;
  const acted = (action: ObjectAction) => bringing.acted(action, { isRepair: isDrift && isWritten(action) });
  const applied = await applyWrites({ ...bringing, acted }, { writes: check.writes, desired }, signal);
  const done = { unchanged, applied };
  if (applied.some(({ action }) => action === "failed")) return outcomeOf({ ...done, reason: "apply_failed" });
  if (members.failures.length > 0) return outcomeOf({ ...done, reason: "list_failed", lines: members.failures });
  const keys = new Set(desired.map(({ key }) => key));
  bringing.memory.retain(set.stackId, keys);
  const unwanted = [...members.byKey.values()].filter(({ key }) => !keys.has(key));
  const pruned = await prune(bringing, mayPrune ? unwanted : [], signal);
  const left = leftOf(pruned, mayPrune ? [] : unwanted);
  const isDone = pruned.results.every(({ action }) => action !== "failed");
  const after = isDone ? { ...record, ...scopeOf([...desired, ...left]) } : record;
  await parents.write(stack.id, { before: recorded, record: { ...after, ...whole(object) } }, signal);
  return outcomeOf({ ...done, pruned, managedObjects: isDone ? desired.length + left.length : undefined });
}

function isWritten(action: ObjectAction): boolean {
  return action === "created" || action === "configured";
}

function blank(record: ParentRecord | undefined): Pick<ParentRecord, "deploymentObjectId" | "deploymentChecksum"> {
  return { deploymentObjectId: record?.deploymentObjectId, deploymentChecksum: record?.deploymentChecksum };
}

function whole({ id, checksum }: ReconcileRequest["object"]) {
  return { deploymentObjectId: id, deploymentChecksum: checksum };
}

/** Members that are there still, though the bundle has them no more. */
function leftOf({ kept, going, blocked, untried }: Pruned, unpruned: readonly Member[]): readonly Member[] {
  return [...kept, ...going, ...blocked, ...untried, ...unpruned];
}
