import type { Clock } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import type { Kubernetes, ObjectPlace } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { ObjectAction } from "$lib/wire/event.ts";
import type { DriftPolicy } from "$lib/wire/stack.ts";
import { Claims } from "../plan/claims.ts";
import type { Inventory } from "../plan/record.ts";
import type { StepAside } from "../plan/plan.ts";
import type { PruneGuard } from "../plan/prune_guard.ts";
import { applyTurn } from "./apply_turn.ts";
import { type BundleCache, createBundleCache } from "./reading/bundles.ts";
import { createDiscovery, type Discovery } from "./discovery.ts";
import type { Compared } from "./watch/drift.ts";
import { Fights } from "./compare/fights.ts";
import { createInventory } from "./records/inventory.ts";
import type { GroupKind } from "./names.ts";
import { createObserved } from "./watch/observed.ts";
import { createOtherSets, type OtherSets } from "./records/other_sets.ts";
import { failed, type Outcome, outcomeOf } from "./outcome.ts";
import { createOwnPod, type OwnPod, type PodName } from "./reading/own_pod.ts";
import { createRecords, type Records } from "./records/records.ts";
import { removeTurn } from "./remove_turn.ts";
import { type StackDoors, stackDoors } from "./stack_doors.ts";
import type { Sweep } from "./watch/sweep.ts";
import { learnWanted } from "./wanted.ts";

/** What to bring a stack to. */
export interface ReconcileRequest {
  readonly stack: StackIdentity;
  readonly object: {
    readonly id: string;
    readonly checksum: string;
    /**
     * Fetches the bundle, checked against its checksum; asked only when no parsed bundle of this checksum is in memory.
     */
    readonly load: (signal: AbortSignal) => Promise<string>;
  };
  /** Asked before anything is deleted that the bundle has no more. */
  readonly guard: Pick<PruneGuard, "ask">;
  /** For manifests that name none; without it the reconciler's own. */
  readonly defaultNamespace?: string;
  /** False while the broker is not the one the agent knows: apply, but delete nothing. */
  readonly mayPrune: boolean;
  /** False while only the kept snapshot is known: nothing is deleted to be made anew. */
  readonly mayReplace?: boolean;
  /** What is done about differences from what was applied whole; without it they are put right. */
  readonly drift?: DriftPolicy;
  /** The one look at the cluster of the resync that this turn belongs to: what it shows as recorded is passed over. */
  readonly sweep?: Sweep;
  /** Compares every object with what an apply would make of it, also what seems to be as it was left. */
  readonly compareAll?: boolean;
  readonly approval?: PruneApproval;
  /** How it waits for memory that other turns hold; left out: as a turn that has no place to give. */
  readonly stepAside?: StepAside;
}

/** A stack, as a turn knows it. */
export interface StackIdentity {
  readonly id: string;
  readonly name: string;
  readonly generatorId?: string;
}

/** What a turn needs to know of a person's word on what fills a namespace. */
export interface PruneApproval {
  /** The snapshot's revision that a block of now is approved by. */
  readonly revision: number;
  /** The revision that was approved for this stack. */
  readonly approved?: number;
}

/** What a reconciler is made of. */
export interface ReconcilerParts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly log: Log;
  readonly agentId: string;
  /** Left out: no wait is traced. */
  readonly tracing?: Pick<Tracing, "current"> | undefined;
  /** Where root and parents live. */
  readonly inventoryNamespace: string;
  /** For manifests that name none. */
  readonly defaultNamespace: string;
  /**
   * Hears what was done to each object, when it is done: a turn that is given up has no end to count at. A repair is a
   * write of what was applied whole before, and found changed or gone.
   */
  readonly acted: (action: ObjectAction, options?: { readonly isRepair?: boolean }) => void;
  /** Field managers whose fields become ours, beside those of people and of former tools that are always. */
  readonly formerManagers?: readonly string[];
  /** Names of objects that others put into every namespace: they keep none from being deleted. */
  readonly ignoreInNamespaces?: readonly string[];
  /** Whether what is done for a stack is done as its generator. */
  readonly impersonatesGenerators?: boolean;
  /** The Pod that the agent runs in, where that is in this cluster: no bundle may bring what it is made of. */
  readonly pod?: PodName;
}

/**
 * Brings one cluster to the desired state of its stacks. One turn per stack at a time; different stacks side by side.
 */
export interface Reconciler {
  readonly inventory: Inventory;
  /** Which stack wants which object; every plan is told to it. */
  readonly claims: Claims;
  readonly records: Pick<Records, "known" | "knownOf">;
  readonly observed: Observed;
  /**
   * Has turns write nothing before `recorded` resolves, nor after it rejected, until this is called again. They read,
   * and try by dry runs, meanwhile.
   */
  writeAfter(recorded: Promise<void>): void;
  /** Whether a turn would not load the bundle of this checksum, because it is in memory. */
  hasBundle(checksum: string): boolean;
  /** Never rejects but by the signal: what goes wrong is in the outcome. */
  reconcileStack(request: ReconcileRequest, signal: AbortSignal): Promise<Outcome>;
  /**
   * Finds out what a stack wants for which nothing is done, where that is not known: others' deletions wait for it.
   * Never rejects but by the signal.
   *
   * @returns Whether it is known now.
   */
  learn(
    request: Pick<ReconcileRequest, "stack" | "object" | "defaultNamespace" | "stepAside">,
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Prunes everything of a stack and takes its parent away. Never rejects but by the signal. */
  removeStack(stack: RemovalRequest, signal: AbortSignal): Promise<Outcome>;
}

/** What of the cluster others than turns look at. */
export interface Observed {
  readonly kubernetes: Kubernetes;
  /** The door that a stack's objects are read through. */
  doorOf(stackId: string): Kubernetes;
  readonly discovery: Discovery;
  /** Begins one look at everything of this agent's, for the turns of one resync. */
  beginSweep(signal: AbortSignal): Sweep;
  /** What the records say of an object that was written or compared last. */
  compared(key: string): Compared | undefined;
  /** Every kind that the records name. */
  kinds(): readonly GroupKind[];
  /** Where objects of a kind are recorded. */
  namespacesOf(groupKind: GroupKind): readonly string[];
  /** What a stack's record has in the cluster. */
  appliedObjects(stackId: string, signal: AbortSignal): Promise<ObservedStack>;
}

/** What of a stack is in the cluster. */
export interface ObservedStack {
  /** Of kinds that can be unhealthy, those whose type is served. */
  readonly objects: readonly ObservedObject[];
  /** How many are of kinds that can't. */
  readonly alwaysHealthy: number;
}

/** An object that was applied, and how it is found. */
export interface ObservedObject {
  readonly key: string;
  readonly groupKind: GroupKind;
  readonly place: ObjectPlace;
  readonly uid: string;
  /** It is nothing amiss when it is there no more. */
  readonly mayVanish: boolean;
}

/** A stack to be removed whole. */
export interface RemovalRequest {
  readonly stack: StackIdentity;
  readonly approval?: PruneApproval;
}

/** What every turn works with; made once. */
export interface TurnParts {
  /** The agent's own; in a turn the stack's. */
  readonly kubernetes: Kubernetes;
  readonly doors: StackDoors;
  readonly ownPod: OwnPod;
  readonly clock: Clock;
  readonly tracing?: Pick<Tracing, "current"> | undefined;
  readonly agentId: string;
  readonly defaultNamespace: string;
  readonly inventoryNamespace: string;
  readonly discovery: Discovery;
  readonly otherSets: OtherSets;
  readonly records: Records;
  readonly claims: Claims;
  readonly fights: Fights;
  readonly bundles: BundleCache;
  readonly formerManagers: readonly string[];
  readonly ignoreInNamespaces: readonly string[];
  readonly acted: ReconcilerParts["acted"];
}

/** A reconciler that remembers nothing yet: what was applied before, it finds in the cluster. */
export function createReconciler(parts: ReconcilerParts): Reconciler {
  const { clock, agentId, inventoryNamespace: namespace, formerManagers = [], ignoreInNamespaces = [] } = parts;
  const { impersonatesGenerators = false } = parts;
  let recorded: Promise<void> | undefined;
  const kubernetes = parts.kubernetes.writingAfter(() => recorded);
  const discovery = createDiscovery(kubernetes);
  const records = createRecords({ ...parts, kubernetes, namespace });
  const claims = new Claims();
  const doors = stackDoors({ kubernetes, impersonatesGenerators });
  const turn: TurnParts = {
    ...parts,
    kubernetes,
    doors,
    ownPod: createOwnPod({ ...parts, pod: parts.pod }),
    discovery,
    records,
    claims,
    formerManagers,
    ignoreInNamespaces,
    otherSets: createOtherSets({ kubernetes, agentId, namespace }),
    fights: new Fights(clock),
    bundles: createBundleCache(8 * 1024 * 1024, { clock }),
  };
  async function inTurn(
    { stack }: Pick<ReconcileRequest, "stack">,
    work: () => Promise<Outcome>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const outcome = await guarded(work, signal);
    const pauseMs = kubernetes.pauseMs(stack.id);
    return pauseMs === 0 ? outcome : { ...outcome, pauseMs };
  }

  return {
    records,
    claims,
    inventory: createInventory({ ...parts, namespace, records }),
    observed: createObserved({ kubernetes, doors, discovery, records, formerManagers }),
    writeAfter(promise) {
      recorded = promise;
      const isOver = () => {
        if (recorded === promise) recorded = undefined;
      };
      promise.then(isOver, () => {}); // whoever writes hears of a failure
    },
    hasBundle: (checksum) => turn.bundles.has(checksum),
    reconcileStack: (request, signal) => inTurn(request, () => applyTurn(turn, request, signal), signal),
    async learn(request, signal) {
      const nothing = outcomeOf({ results: [] });
      if (!claims.isKnown(request.stack.id)) {
        await guarded(() => learnWanted(turn, request, signal).then(() => nothing), signal);
      }
      return claims.isKnown(request.stack.id);
    },
    removeStack: (request, signal) => inTurn(request, () => removeTurn(turn, request, signal), signal),
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
