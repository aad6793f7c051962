import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { OrphanScan } from "../kube/watch/orphans.ts";
import { isWritten } from "../kube/outcome.ts";
import type { Observed, ObservedObject } from "../kube/reconcile.ts";
import type { Sweep } from "../kube/watch/sweep.ts";
import { Watches } from "../loops/watch.ts";
import { HealthWatch, type HealthWatchParts } from "./health_watch.ts";

/** What observing what was applied needs. */
export interface ObservationParts extends Pick<HealthWatchParts, "onHealth" | "onCounted"> {
  readonly agentId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly observed: Observed;
  /** Whether a stack's objects are not compared between deployment objects. */
  readonly isDriftOff: (stackId: string) => boolean;
  /** Whether a turn of the stack is in progress. */
  readonly isInTurn: (stackId: string) => boolean;
  /** Hears that objects of a stack are not as they were compared last. */
  readonly onDrift: (stackId: string) => void;
}

/** Watches, looks and sweeps over what this agent applied: what they see becomes work, or a word on health. */
export class Observation {
  readonly #parts: ObservationParts;
  readonly #signal: AbortSignal;
  readonly #watches: Watches;
  readonly #health: HealthWatch;
  readonly #orphans: OrphanScan;
  #sweep: Sweep | undefined;

  /** Opens nothing; everything ends when `signal` aborts. */
  constructor(parts: ObservationParts, signal: AbortSignal) {
    const { observed } = parts;
    this.#parts = parts;
    this.#signal = signal;
    this.#watches = new Watches({
      ...parts,
      ...observed,
      onChange: (stackId, key) => this.#health.changed(stackId, key),
    }, signal);
    this.#health = new HealthWatch({
      ...parts,
      doorOf: (stackId) => observed.doorOf(stackId),
      discovery: observed.discovery,
      isWatched: (groupKind) => this.#watches.isWatched(groupKind),
    }, signal);
    const isRecorded = (key: string, uid: string) => {
      const compared = observed.compared(key);
      return compared !== undefined && (compared.uid ?? uid) === uid;
    };
    this.#orphans = new OrphanScan({ ...parts, isRecorded });
  }

  /** The one look at the cluster that the turns of the last resync share; undefined before the first. */
  get sweep(): Sweep | undefined {
    return this.#sweep;
  }

  /** The inventory was listed, or a record was written: what it names is watched from now on. */
  follow(): void {
    this.#watches.setKinds(this.#parts.observed.kinds());
  }

  /** A resync begins: everything is looked at once, and what is in no record is named. */
  beginResync(): void {
    const { observed, log } = this.#parts;
    const sweep = observed.beginSweep(this.#signal);
    this.#sweep = sweep;
    this.#orphans.scan(sweep, observed.kinds(), this.#signal).catch((error) => {
      if (!this.#signal.aborted) log.warn("cannot look for objects that are in no record", { error });
    });
  }

  /** A turn of a stack ended, and this was done. */
  async applied(stackId: string, results: readonly ObjectResult[]): Promise<void> {
    const { observed, log } = this.#parts;
    this.follow();
    const written = new Set(results.filter(isWritten).map(nameOf));
    try {
      const { objects, alwaysHealthy } = await observed.appliedObjects(stackId, this.#signal);
      this.#health.noteApplied(stackId, {
        objects: objects.map((object) => ({ ...object, isWritten: written.has(nameIn(object)) })),
        alwaysHealthy,
        hasWritten: written.size > 0,
      });
    } catch (error) {
      if (!this.#signal.aborted) log.warn("cannot look at the health of a stack", { stack_id: stackId, error });
    }
  }

  /** A stack is out of the inventory. */
  removed(stackId: string): void {
    this.#health.noteRemoved(stackId);
    this.follow();
  }

  /** Resolves when the signal has aborted and nothing is looked at any more. */
  async ended(): Promise<void> {
    await Promise.all([this.#watches.ended(), this.#health.ended()]);
  }
}

function nameOf({ kind, namespace, name }: Pick<ObjectResult, "kind" | "namespace" | "name">): string {
  return JSON.stringify([kind, namespace ?? "", name]);
}

function nameIn({ groupKind: { kind }, place: { namespace, name } }: ObservedObject): string {
  return nameOf({ kind, namespace, name });
}
