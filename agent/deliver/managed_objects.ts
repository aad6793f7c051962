import { forget } from "$lib/metrics.ts";
import { HEALTH_STATUSES } from "$lib/wire/event.ts";
import type { AgentMetrics } from "../metrics.ts";
import type { StackRecord } from "../plan/record.ts";
import type { HealthCounts } from "./watched_stack.ts";

/**
 * How many objects this agent's records name that are in the cluster. While one record can't be read, or is still to be
 * made of what 0.10.0 applied, nobody knows their number, and it is off the page.
 */
export class ManagedObjects {
  readonly #gauge: AgentMetrics["managedObjects"];
  /** A record is another one once anything of it changes: each is counted once, however often all are shown. */
  readonly #counted = new WeakMap<StackRecord, number>();

  constructor(gauge: AgentMetrics["managedObjects"]) {
    this.#gauge = gauge;
  }

  show(records: readonly StackRecord[]): void {
    if (records.some(({ unreadable, legacy }) => unreadable !== undefined || legacy !== undefined)) return this.hide();
    this.#gauge.record(records.reduce((sum, record) => sum + this.#count(record), 0));
  }

  /** Nobody knows. */
  hide(): void {
    forget(this.#gauge);
  }

  #count(record: StackRecord): number {
    const known = this.#counted.get(record);
    if (known !== undefined) return known;
    const count = record.objects.filter(({ uid }) => uid !== undefined).length;
    this.#counted.set(record, count);
    return count;
  }
}

/** How many objects of all stacks are how well, as the looks at them found. */
export class ManagedHealth {
  readonly #gauge: AgentMetrics["managedObjectsHealth"];
  readonly #byStack = new Map<string, HealthCounts>();

  constructor(gauge: AgentMetrics["managedObjectsHealth"]) {
    this.#gauge = gauge;
    this.#show();
  }

  /** A stack's objects were counted; undefined once it is gone. */
  counted(stackId: string, counts: HealthCounts | undefined): void {
    if (counts === undefined) this.#byStack.delete(stackId);
    else this.#byStack.set(stackId, counts);
    this.#show();
  }

  #show(): void {
    const all = [...this.#byStack.values()];
    for (const health of HEALTH_STATUSES) {
      this.#gauge.record(all.reduce((sum, counts) => sum + counts[health], 0), { health });
    }
  }
}
