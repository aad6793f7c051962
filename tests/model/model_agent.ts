import { createReconciler, type Reconciler, type ReconcileRequest } from "../../agent/kube/reconcile.ts";
import type { Outcome } from "../../agent/kube/outcome.ts";
import { newId, random, sha256HexSync } from "$lib/ids.ts";
import { type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import { countingMetrics } from "../fakes/counting_metrics.ts";
import { silentLog } from "../fakes/silent_log.ts";
import { fastClock } from "./clock.ts";
import { Killed, mortal } from "./mortal.ts";
import { NAMESPACE } from "./slots.ts";
import { bundleOf, type Wanted, type WantedStack } from "./wanted.ts";

/** Where the agent's inventory is. */
export const INVENTORY = "model-inventory";

/** What is special about a turn. */
export type TurnOptions = Pick<ReconcileRequest, "sweep" | "compareAll">;

/** An agent whose process can be killed, and which then is another one that remembers nothing. */
export class ModelAgent implements Disposable {
  readonly #kubernetes: Kubernetes;
  readonly #wanted: Wanted;
  readonly #id = newId();
  #reconciler: Reconciler;
  #isMortal = false;

  private constructor(kubernetes: Kubernetes, wanted: Wanted) {
    this.#kubernetes = kubernetes;
    this.#wanted = wanted;
    this.#reconciler = this.#start(kubernetes);
  }

  static async open(kubeconfigPath: string, wanted: Wanted): Promise<ModelAgent> {
    const { metrics } = countingMetrics();
    const parts = { metrics, clock: fastClock(), random, log: silentLog(), env: {}, userAgent: "brokkr-agent/model" };
    return new ModelAgent(await openKubernetes({ kubeconfigPath, ...parts }), wanted);
  }

  get reconciler(): Reconciler {
    return this.#reconciler;
  }

  /** Starts the process anew; it is to die at one of its next writes. */
  restart(death: { readonly writes: number; readonly isServed: boolean }): void {
    this.#reconciler = this.#start(mortal(this.#kubernetes, death));
    this.#isMortal = true;
  }

  /** Whatever was to kill the process is over: it starts anew where it was killed, or could be. */
  live(): void {
    if (!this.#isMortal) return;
    this.#reconciler = this.#start(this.#kubernetes);
    this.#isMortal = false;
  }

  /** Plans as the planner does; the ids of stacks that have a turn, those first of all that are to be removed. */
  async plan(): Promise<readonly string[]> {
    const { claims, inventory } = this.#reconciler;
    claims.plan(this.#wanted.claiming());
    const records = await inventory.listStacks();
    records.forEach((record) => claims.recall(record));
    const removed = records.filter(({ id }) => this.#wanted.stack(id) === undefined);
    const works = this.#wanted.stacks.filter(({ isSuspended }) => !isSuspended);
    return [...removed, ...works].map(({ id }) => id);
  }

  /** A stack's turn; undefined where the process was killed in it. */
  async turn(id: string, options: TurnOptions = {}): Promise<Outcome | undefined> {
    const stack = this.#wanted.stack(id);
    try {
      return stack === undefined
        ? await this.#reconciler.removeStack({ stack: { id, name: id } }, new AbortController().signal)
        : await this.#reconciler.reconcileStack(requestOf(stack, options), new AbortController().signal);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#kubernetes.close();
  }

  #start(kubernetes: Kubernetes): Reconciler {
    return createReconciler({
      kubernetes,
      clock: fastClock(),
      log: silentLog(),
      agentId: this.#id,
      inventoryNamespace: INVENTORY,
      defaultNamespace: NAMESPACE,
      acted: () => {},
    });
  }
}

function requestOf(stack: WantedStack, options: TurnOptions): ReconcileRequest {
  const bundle = bundleOf(stack);
  return {
    ...options,
    stack,
    object: { id: stack.objectId, checksum: sha256HexSync(bundle), load: () => Promise.resolve(bundle) },
    guard: { ask: () => Promise.resolve({ isAllowed: true }) },
    mayPrune: true,
  };
}
