import type { Log } from "$lib/log.ts";
import type { Gauge, NoLabels } from "$lib/metrics.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { judge, type RootRecord, type Verdict } from "./guard.ts";
import type { Inventory } from "../kube/inventory.ts";
import { plan, type StackRef, type Work } from "./plan.ts";

/** What planning needs. */
export interface PlannerParts {
  readonly inventory: Inventory;
  readonly pruneMaxStacks: number | undefined;
  readonly log: Log;
  /** Whether the agent must write nothing, whatever the snapshot says. */
  readonly isStandingBy: () => boolean;
  /** Makes these works all that is wanted; `again` repeats settled ones. */
  readonly want: (works: readonly Work[], options: { readonly again: boolean }) => void;
  /** Hears that all that is wanted may be out of date: nothing of it may begin before works are wanted anew. */
  readonly onSuperseded: () => void;
  /** Applies nothing more for these stacks; resolves when no object of theirs is in hand. */
  readonly endApplies: (stackIds: readonly string[]) => Promise<void>;
  /** Hears that the broker may have forgotten every report: its database is another, or an older one. */
  readonly onBrokerForgot: () => void;
  /** Stacks whose removal the guard stops; off the page while nobody knows, as while standing by nothing is judged. */
  readonly prunesBlocked: Gauge<NoLabels>;
}

/**
 * Turns the last believed snapshot into work. It waits for the API server beside the loops that ask it to, one run at a
 * time, so that polls and heartbeats go on while a cluster is slow.
 */
export class Planner {
  readonly #parts: PlannerParts;
  readonly #signal: AbortSignal;
  #snapshot: Snapshot | undefined;
  /** Stacks that left the snapshot while this process ran and were not removed yet: an inventory need not name them. */
  readonly #left = new Map<string, StackRef>();
  /** Whether the last plan needs another look although the snapshot has not changed. */
  #isUnsettled = false;
  #wasStandingBy = false;
  #request: { readonly again: boolean } | undefined;
  #isBusy = false;
  #running = Promise.resolve();

  /** @param signal Ends planning for good. */
  constructor(parts: PlannerParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Plans a snapshot that was just believed. */
  accept(snapshot: Snapshot): void {
    const last = this.#snapshot;
    const hasForgotten = last !== undefined &&
      (last.epoch !== snapshot.epoch || last.revision > snapshot.revision);
    this.#noteLeft(last, snapshot);
    this.#snapshot = snapshot;
    this.#parts.onSuperseded();
    if (hasForgotten) this.#parts.onBrokerForgot();
    this.#ask(hasForgotten);
  }

  /** Hears that nothing of a stack is in the cluster any more. */
  removed(stackId: string): void {
    this.#left.delete(stackId);
  }

  /** Plans the last snapshot once more where that may change something: it failed, or a person's word is awaited. */
  reconsider(): void {
    if (this.#isUnsettled || this.#wasStandingBy !== this.#mustStandBy()) this.#ask(false);
  }

  /** Plans the last snapshot once more, and repeats what is settled, so that drift is put right. */
  repeat(): void {
    this.#ask(true);
  }

  /** Resolves when no run is in progress. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #noteLeft(last: Snapshot | undefined, next: Snapshot): void {
    for (const { stack_id, name } of last?.stacks ?? []) this.#left.set(stack_id, { id: stack_id, name });
    for (const { stack_id } of next.stacks) this.#left.delete(stack_id);
  }

  #mustStandBy(): boolean {
    return this.#snapshot?.paused === true || this.#parts.isStandingBy();
  }

  /** Standing by is not kept waiting: a run in progress may wait for the API server for minutes. */
  #ask(again: boolean): void {
    if (this.#snapshot === undefined || this.#signal.aborted) return;
    this.#wasStandingBy = this.#mustStandBy();
    if (this.#wasStandingBy) {
      this.#request = undefined;
      this.#parts.prunesBlocked.remove();
      return this.#parts.want([], { again });
    }
    this.#request = { again: again || this.#request?.again === true };
    if (!this.#isBusy) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    while (this.#request !== undefined && this.#snapshot !== undefined && !this.#signal.aborted) {
      const { again } = this.#request;
      this.#request = undefined;
      await this.#planOnce(this.#snapshot, again);
    }
    this.#isBusy = false;
  }

  async #planOnce(snapshot: Snapshot, again: boolean): Promise<void> {
    this.#isUnsettled = false;
    try {
      const works = await this.#decide(snapshot);
      if (snapshot !== this.#snapshot || this.#mustStandBy()) return;
      this.#parts.prunesBlocked.bind().set(works.filter(({ kind }) => kind === "wait").length);
      this.#parts.want(works, { again });
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#isUnsettled = true;
      this.#parts.prunesBlocked.remove();
      this.#parts.log.warn("cannot plan, will try again", { error });
    }
  }

  /**
   * Nothing may be deleted before the root says what was decided. What is applied for the first time while its stack leaves
   * must be in the inventory, or not at all, before that is read: the guard counts only what it sees.
   */
  async #decide(snapshot: Snapshot): Promise<readonly Work[]> {
    const { inventory, pruneMaxStacks, endApplies } = this.#parts;
    await endApplies([...this.#left.keys()]);
    const [root, stacks] = await Promise.all([
      inventory.readRoot(this.#signal),
      inventory.listStacks(this.#signal),
    ]);
    if (this.#mustStandBy()) return [];
    const verdict = judge({ root, snapshot, inventory: stacks.map(({ id }) => id), pruneMaxStacks });
    await inventory.writeRoot(verdict.root, this.#signal);
    this.#isUnsettled = verdict.isOnHold;
    this.#tell(root, verdict);
    const named = stacks.map(({ id, name }) => ({ id, name }));
    return plan({ snapshot, inventory: named, left: [...this.#left.values()], verdict });
  }

  #tell(before: RootRecord, { root, isOnHold, waiting }: Verdict): void {
    const { log } = this.#parts;
    if (isOnHold && before.hold === undefined) {
      log.error("the broker is not the one this agent knows: nothing is pruned until its epoch is accepted", {
        known: root.known,
        found: root.hold,
      });
    }
    if (!isOnHold && before.hold !== undefined) log.info("the broker's epoch was accepted", { known: root.known });
    if (!isOnHold && waiting.size > 0 && before.held?.revision !== root.held?.revision) {
      log.error("more stacks would vanish than the guard allows: their removal waits for approval", {
        stacks: waiting.size,
        revision: root.held?.revision,
      });
    }
  }
}
