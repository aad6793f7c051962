import type { SpanContext } from "@opentelemetry/api";
import { bound } from "$lib/metrics.ts";
import { ObjectAction } from "$lib/wire/event.ts";
import { TURN_RESULTS, type TurnResult } from "../kube/outcome.ts";
import type { ReconcilerParts } from "../kube/reconcile.ts";
import type { AgentMetrics } from "../metrics.ts";

/** What a turn's metrics are. */
export type TurnMetrics = Pick<AgentMetrics, "reconciliations" | "reconcileDuration">;

/** What a turn came to, as far as it is counted. */
export interface CountedTurn {
  readonly result: TurnResult;
  /** Its span, where it is exported. */
  readonly trace?: SpanContext | undefined;
}

/** Counts and times turns. */
export class TurnMeter {
  readonly #turns: Readonly<Record<TurnResult, { count(): void; time(seconds: number, span?: SpanContext): void }>>;

  constructor({ reconciliations, reconcileDuration }: TurnMetrics) {
    this.#turns = byWord(TURN_RESULTS, (result) => {
      const [counter, duration] = [bound(reconciliations, { result }), bound(reconcileDuration, { result })];
      return { count: () => counter.add(), time: (seconds, span) => duration.record(seconds, span) };
    });
  }

  /**
   * A turn ended. One that is given up midway has no end, and is not counted.
   *
   * @param seconds Undefined of one that did nothing but wait: its time would say nothing of the cluster's.
   */
  ended({ result, trace }: CountedTurn, seconds: number | undefined): void {
    this.#turns[result].count();
    if (seconds !== undefined) this.#turns[result].time(seconds, trace);
  }
}

/** Counts what is done to objects, each when it is done. */
export function objectCounter(
  { objects, driftRepaired }: Pick<AgentMetrics, "objects" | "driftRepaired">,
): ReconcilerParts["acted"] {
  const cells = byWord(ObjectAction.options, (action) => bound(objects, { action }));
  const repairs = bound(driftRepaired);
  return (action, { isRepair = false } = {}) => {
    cells[action].add();
    if (isRepair) repairs.add();
  };
}

function byWord<Word extends string, T>(words: readonly Word[], make: (word: Word) => T): Readonly<Record<Word, T>> {
  return Object.fromEntries(words.map((word) => [word, make(word)])) as Record<Word, T>;
}
