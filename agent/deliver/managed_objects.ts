import type { AgentMetrics } from "../metrics.ts";

/**
 * How many objects this agent's inventories hold, stack by stack. Their sum is a metric, on the page only while the number
 * of every stack is known: after a restart, once each has had a turn.
 */
export class ManagedObjects {
  readonly #gauge: AgentMetrics["managedObjects"];
  /** Undefined is the number of a stack of which it isn't known. */
  readonly #counts = new Map<string, number | undefined>();
  #isListed = false;
  #newer = new Set<string>();

  constructor(gauge: AgentMetrics["managedObjects"]) {
    this.#gauge = gauge;
  }

  /**
   * To be called before the inventories are listed: what turns say from now on is newer than the list, and stands.
   *
   * @returns Takes the stacks that were listed; undefined where that failed, so that nobody knows which there are.
   */
  look(): (stackIds: readonly string[] | undefined) => void {
    const newer = new Set<string>();
    this.#newer = newer;
    return (stackIds) => {
      this.#isListed = stackIds !== undefined;
      if (stackIds !== undefined) this.#listed(new Set(stackIds).difference(newer), newer);
      this.#show();
    };
  }

  /** A turn counted the objects of a stack, or could not: undefined. */
  count(stackId: string, objects: number | undefined): void {
    this.#newer.add(stackId);
    this.#counts.set(stackId, objects);
    this.#show();
  }

  /** A stack is out of the inventory. */
  removed(stackId: string): void {
    this.#newer.add(stackId);
    this.#counts.delete(stackId);
    this.#show();
  }

  #listed(older: ReadonlySet<string>, newer: ReadonlySet<string>): void {
    for (const stackId of this.#counts.keys()) {
      if (!older.has(stackId) && !newer.has(stackId)) this.#counts.delete(stackId);
    }
    for (const stackId of older) this.#counts.set(stackId, this.#counts.get(stackId));
  }

  #show(): void {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count ?? NaN;
    if (this.#isListed && !Number.isNaN(sum)) this.#gauge.bind().set(sum);
    else this.#gauge.remove();
  }
}
