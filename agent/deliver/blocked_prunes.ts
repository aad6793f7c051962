import type { Gauge } from "@opentelemetry/api";
import { forget } from "$lib/metrics.ts";
import type { Work } from "../plan/plan.ts";

/** Reasons of something that is not removed until a person, or whoever put things there, does something. */
const REASONS: ReadonlySet<string | undefined> = new Set(["prune_held", "epoch_hold", "namespace_not_empty"]);

/**
 * Stacks of which something is not removed: because the guard holds it, because the broker is not the one that the
 * agent knows, or because a namespace holds what is not ours. Off the page while nobody knows: nothing is planned then.
 */
export class BlockedPrunes {
  readonly #gauge: Gauge;
  /** Stacks whose work is but to wait. */
  #waiting: ReadonlySet<string> = new Set();
  /** Stacks whose last turn left something. */
  readonly #left = new Set<string>();
  #isKnown = false;

  constructor(gauge: Gauge) {
    this.#gauge = gauge;
  }

  /** What is wanted of every stack; undefined when that is not known any more. */
  planned(works: readonly Work[] | undefined): void {
    this.#isKnown = works !== undefined;
    const wanted = new Set(works?.map(({ stack }) => stack.id));
    this.#left.forEach((id) => wanted.has(id) || this.#left.delete(id));
    const waiting = works?.filter((work) => work.kind === "wait" && REASONS.has(work.reason)) ?? [];
    this.#waiting = new Set(waiting.map(({ stack }) => stack.id));
    this.#show();
  }

  /** How a turn of a stack ended. */
  ended({ kind, stack }: Work, { state, reason }: { readonly state: string; readonly reason?: string }): void {
    if (kind !== "wait" && state === "blocked" && REASONS.has(reason)) this.#left.add(stack.id);
    else this.#left.delete(stack.id);
    this.#show();
  }

  #show(): void {
    if (this.#isKnown) this.#gauge.record(this.#left.union(this.#waiting).size);
    else forget(this.#gauge);
  }
}
