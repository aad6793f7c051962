import assert from "node:assert/strict";
import type { ClaimingStack } from "../../../agent/plan/claims.ts";
import type { Outcome } from "../../../agent/kube/outcome.ts";
import { LOOK_AGAIN_MS } from "../../../agent/kube/prune/reappeared.ts";
import type { PodName } from "../../../agent/kube/reading/own_pod.ts";
import {
  createReconciler,
  type Reconciler,
  type ReconcileRequest,
  type RemovalRequest,
} from "../../../agent/kube/reconcile.ts";
import { type Clock, systemClock } from "$lib/clock.ts";
import { newId, random, sha256HexSync } from "$lib/ids.ts";
import {
  type ApiResource,
  isRefused,
  type Kubernetes,
  type KubernetesObject,
  openKubernetes,
} from "$lib/kubernetes.ts";
import type { ObjectAction } from "$lib/wire/event.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";

/** How a turn ended, and how much drift was put right in it. */
export interface HeardOutcome extends Outcome {
  readonly driftRepaired: number;
}

/** What is special about a turn. */
export interface TurnOptions extends Partial<Omit<ReconcileRequest, "stack" | "object">> {
  /** The same bundle is the same deployment object, unless one is named. */
  readonly objectId?: string;
  /** How the bundle is had; left out: at once. */
  readonly load?: ReconcileRequest["object"]["load"];
  /** Whose word brings the stack; left out: that is not known. */
  readonly generatorId?: string;
  /** False where no plan looks at the inventory before the turn: what it would find is no part of the case. */
  readonly isPlanned?: boolean;
}

/** An agent's reconciler in a cluster, with what it asked of it. */
export interface TestAgent extends Disposable {
  readonly id: string;
  readonly reconciler: Reconciler;
  readonly kubernetes: Kubernetes;
  /** Requests so far by operation and result (`apply success`); starts anew at each call. */
  counts(): Readonly<Record<string, number>>;
  /** Says what the snapshot names from now on, so that turns know what other stacks want. */
  plan(...stacks: readonly PlannedStack[]): void;
  /** Brings stack `id` to this bundle, as a plan would: it names every stack that was brought or planned so far. */
  reconcile(id: string, bundle: string, options?: TurnOptions): Promise<HeardOutcome>;
  /** Finds out what a suspended stack wants; whether it is known then. */
  learn(id: string, bundle: string): Promise<boolean>;
  /** Removes a stack that the plan names no more. */
  remove(id: string, options?: Omit<RemovalRequest, "stack">): Promise<Outcome>;
  /** How many objects the record of a stack has; undefined where there is none. */
  objectsOf(id: string): number | undefined;
  /** The same agent as a new process: it remembers nothing. Its door may break after some applies. */
  restarted(options?: AgentOptions): Promise<TestAgent>;
}

/** A stack of the snapshot, and its bundle: none where it is to be removed. */
export interface PlannedStack {
  readonly id: string;
  readonly bundle: string | undefined;
}

/** What is special about an agent. */
export interface AgentOptions {
  readonly id?: string;
  /** Where its inventory is, if not in the world's. */
  readonly inventory?: string;
  /** What it waits by, if not by the system's time, on which the look after a removal comes at once. */
  readonly clock?: Clock;
  /** Asked before anything is deleted that a bundle has no more; without it all may go. */
  readonly guard?: ReconcileRequest["guard"];
  /** The door as the agent has it, over the one that asks the API server. */
  readonly doorOver?: (kubernetes: Kubernetes) => Kubernetes;
  /** Every apply after so many fails as if the process were killed. */
  readonly dieAfterApplies?: number;
  /**
   * What happens before a deletion reaches the API server: it waits to be sent, or is on its way, deaf to any signal.
   */
  readonly beforeDelete?: { readonly isSent: boolean; readonly happens: (kind: string) => Promise<void> };
  readonly formerManagers?: readonly string[];
  readonly ignoreInNamespaces?: readonly string[];
  readonly impersonatesGenerators?: boolean;
  readonly pod?: PodName;
}

/** One case's own corner of a cluster: two namespaces, one for applied objects and one for inventories. */
export interface ReconcileWorld {
  /** Where bundles put things. */
  readonly namespace: string;
  readonly inventory: string;
  /** A person with kubectl. */
  readonly hand: Hand;
  /** Somebody whose field manager has this name. */
  as(manager: string): Promise<Hand>;
  /** A fresh stack id. */
  newStack(): string;
  agent(options?: AgentOptions): Promise<TestAgent>;
}

/** What a person does in the cluster. */
export interface Hand {
  get(type: ApiResource, name: string, namespace?: string): Promise<KubernetesObject | undefined>;
  create(type: ApiResource, object: KubernetesObject): Promise<KubernetesObject>;
  patch(type: ApiResource, place: { name: string; namespace?: string }, patch: unknown): Promise<void>;
  remove(type: ApiResource, place: { name: string; namespace?: string }): Promise<void>;
}

/**
 * Opens a corner; what is in it goes with the cluster. The agent may be somebody with fewer rights than who makes it.
 */
export async function openWorld(
  kubeconfigPath: string,
  agentKubeconfigPath = kubeconfigPath,
): Promise<ReconcileWorld & Disposable> {
  const door = await openDoor(kubeconfigPath, "by-hand/1");
  const suffix = newId().slice(0, 8);
  const [namespace, inventory] = [`case-${suffix}`, `inventory-${suffix}`];
  const hand = handOver(door.kubernetes);
  for (const name of [namespace, inventory]) {
    await hand.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  const open: Disposable[] = [];
  const as = async (manager: string) => {
    const { kubernetes } = await openDoor(kubeconfigPath, `${manager}/1`);
    open.push({ [Symbol.dispose]: () => kubernetes.close() });
    return handOver(kubernetes);
  };
  const agent = async (options: AgentOptions = {}) => {
    const made = await makeAgent({ kubeconfigPath: agentKubeconfigPath, inventory, namespace }, options);
    open.push(made);
    return made;
  };
  return {
    namespace,
    inventory,
    hand,
    as,
    newStack: newId,
    agent,
    [Symbol.dispose]: () =>
      [...open, { [Symbol.dispose]: () => door.kubernetes.close() }].forEach((one) => one[Symbol.dispose]()),
  };
}

/** Types that cases use by hand. */
export const NAMESPACE = type("v1", "Namespace", "namespaces", false);
/** ConfigMaps, of the core. */
export const CONFIG_MAP = type("v1", "ConfigMap", "configmaps", true);
/** Deployments, of `apps/v1`. */
export const DEPLOYMENT = type("apps/v1", "Deployment", "deployments", true);
/** StatefulSets, of `apps/v1`. */
export const STATEFUL_SET = type("apps/v1", "StatefulSet", "statefulsets", true);

/** A ConfigMap as YAML. */
export function configMapYaml(name: string, value: string, { namespace }: { namespace?: string } = {}): string {
  const where = namespace === undefined ? "" : `, namespace: ${namespace}`;
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}${where} }\ndata: { value: ${
    JSON.stringify(value)
  } }\n`;
}

/** Documents as one bundle. */
export function bundleOf(...documents: readonly string[]): string {
  return documents.join("---\n");
}

function type(apiVersion: string, kind: string, resource: string, namespaced: boolean): ApiResource {
  return { apiVersion, kind, resource, namespaced, verbs: [] };
}

async function openDoor(kubeconfigPath: string, userAgent: string) {
  const { metrics, counts } = countingMetrics();
  const kubernetes = await openKubernetes({
    kubeconfigPath,
    env: {},
    metrics,
    clock: systemClock(),
    random,
    log: silentLog(),
    userAgent,
  });
  return { kubernetes, counts };
}

function handOver(kubernetes: Kubernetes): Hand {
  return {
    async get(resource, name, namespace) {
      try {
        return await kubernetes.get({ resource, name, namespace });
      } catch (error) {
        if (isRefused(error, 404)) return undefined; // its type is not served
        throw error;
      }
    },
    create: (resource, object) => kubernetes.create(resource, object),
    async patch(resource, place, patch) {
      await kubernetes.patch({ resource, ...place }, patch);
    },
    async remove(resource, place) {
      const live = await kubernetes.get({ resource, ...place });
      if (live?.metadata.uid !== undefined) await kubernetes.delete({ resource, ...place }, { uid: live.metadata.uid });
    },
  };
}

interface Corner {
  readonly kubeconfigPath: string;
  readonly inventory: string;
  readonly namespace: string;
}

async function makeAgent(corner: Corner, options: AgentOptions): Promise<TestAgent> {
  const { id = newId(), inventory = corner.inventory, clock = lookingAgain(), dieAfterApplies = Infinity } = options;
  const { beforeDelete, doorOver = (door) => door } = options;
  const { kubernetes, counts } = await openDoor(corner.kubeconfigPath, `brokkr-agent/${id.slice(0, 8)}`);
  const acts: Act[] = [];
  const { formerManagers, ignoreInNamespaces, impersonatesGenerators, pod } = options;
  const reconciler = createReconciler({
    formerManagers,
    ignoreInNamespaces,
    impersonatesGenerators,
    pod,
    kubernetes: doorOver(late(mortal(kubernetes, dieAfterApplies), beforeDelete)),
    clock,
    log: silentLog(),
    agentId: id,
    inventoryNamespace: inventory,
    defaultNamespace: corner.namespace,
    acted: (action, { isRepair = false } = {}) => acts.push({ action, isRepair }),
  });
  const guard = options.guard ?? { ask: () => Promise.resolve({ isAllowed: true } as const) };
  const signal = new AbortController().signal;
  const planned = plans(reconciler);
  return {
    id,
    reconciler,
    kubernetes,
    counts,
    plan: (...stacks) => stacks.forEach(({ id, bundle }) => planned.name(id, bundle)),
    async reconcile(stackId, bundle, options = {}) {
      const { objectId, generatorId, isPlanned = true, load = () => Promise.resolve(bundle), ...rest } = options;
      const object = planned.name(stackId, bundle, objectId);
      const stack = { id: stackId, name: nameOf(stackId), generatorId };
      const request = { mayPrune: true, guard, ...rest, stack };
      if (isPlanned) await reconciler.inventory.listStacks();
      return heard(
        await reconciler.reconcileStack({ ...request, object: { ...object, load } }, signal),
        acts.splice(0),
      );
    },
    learn(stackId, bundle) {
      const object = { ...planned.name(stackId, bundle), load: () => Promise.resolve(bundle) };
      return reconciler.learn({ stack: { id: stackId, name: nameOf(stackId) }, object }, signal);
    },
    async remove(stackId, rest = {}) {
      planned.forget(stackId);
      const stack = { id: stackId, name: nameOf(stackId) };
      return heard(await reconciler.removeStack({ ...rest, stack }, signal), acts.splice(0));
    },
    objectsOf: (stackId) => reconciler.records.known().find(({ id }) => id === stackId)?.objects.length,
    restarted: (changed = {}) => makeAgent(corner, { id, inventory, ...changed }),
    [Symbol.dispose]: () => kubernetes.close(),
  };
}

/** The system's time; before an agent looks again for what it removed, this happens, and no time passes. */
export function lookingAgain(before: () => Promise<void> = () => Promise.resolve()): Clock {
  const clock = systemClock();
  return { ...clock, sleep: (ms, signal) => ms === LOOK_AGAIN_MS ? before() : clock.sleep(ms, signal) };
}

/** The plan of an agent in these cases: every stack that was named and not forgotten. */
function plans({ claims }: Reconciler) {
  const stacks = new Map<string, ClaimingStack>();
  let sequenceId = 0;
  return {
    name(id: string, bundle: string | undefined, objectId?: string) {
      const checksum = sha256HexSync(bundle ?? "");
      const object = { id: objectId ?? `object-${checksum.slice(0, 8)}`, checksum };
      sequenceId += 1;
      const known = stacks.get(id)?.object;
      const wanted = known?.id === object.id ? known : { id: object.id, sequenceId };
      stacks.set(id, { id, name: nameOf(id), object: bundle === undefined ? undefined : wanted });
      claims.plan([...stacks.values()]);
      return object;
    },
    forget(id: string): void {
      stacks.delete(id);
      claims.plan([...stacks.values()]);
    },
  };
}

interface Act {
  readonly action: ObjectAction;
  readonly isRepair: boolean;
}

/** The outcome, once it is sure that each of its results was heard when it was done. */
function heard(outcome: Outcome, acts: readonly Act[]): HeardOutcome {
  const actions = acts.map(({ action }) => action).sort();
  assert.deepEqual(actions, outcome.results.map(({ action }) => action).sort(), outcome.message);
  return { ...outcome, driftRepaired: acts.filter(({ isRepair }) => isRepair).length };
}

/** The name that stacks of this id have in these cases. */
export function nameOf(stackId: string): string {
  return `stack-${stackId.slice(0, 4)}`;
}

/** What a killed process throws is no failure that anybody handles. */
class Killed extends Error {}

function mortal(kubernetes: Kubernetes, dieAfterApplies: number): Kubernetes {
  let applies = 0;
  const dying = (door: Kubernetes): Kubernetes => ({
    ...door,
    async apply(place, object, options) {
      if (options?.dryRun !== true && ++applies > dieAfterApplies) throw killed();
      return await door.apply(place, object, options);
    },
    patch: (place, body, options) =>
      applies > dieAfterApplies ? Promise.reject(killed()) : door.patch(place, body, options),
    forStack: (...who) => dying(door.forStack(...who)),
    writingAfter: (ready) => dying(door.writingAfter(ready)),
  });
  return dying(kubernetes);
}

function late(kubernetes: Kubernetes, before: AgentOptions["beforeDelete"]): Kubernetes {
  if (before === undefined) return kubernetes;
  return {
    ...kubernetes,
    async delete(place, preconditions, signal) {
      await before.happens(place.resource.kind);
      return await kubernetes.delete(place, preconditions, before.isSent ? undefined : signal);
    },
    forStack: (...who) => late(kubernetes.forStack(...who), before),
    writingAfter: (ready) => late(kubernetes.writingAfter(ready), before),
  };
}

function killed(): Killed {
  return new Killed("killed");
}
