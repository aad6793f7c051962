import type { Clock } from "$lib/clock.ts";
import type { TracesPlan } from "$lib/telemetry/plan.ts";
import type { Tracing } from "$lib/tracing.ts";
import { isSampled } from "$lib/traceparent.ts";

/** What is sampled. */
export type SamplingSettings = Pick<TracesPlan, "ratio" | "followsParent" | "maxFollowedPerSecond">;

/** What deciding takes. */
export interface SamplerParts extends SamplingSettings {
  readonly clock: Clock;
  /** A random number in [0, 1): never of the caller's ids, or it would be the caller who decides. */
  readonly random: () => number;
}

const MS_PER_SECOND = 1_000;

/** Decides as {@linkcode Tracing.samples} says: with no parent, and ratio 0, at the cost of two comparisons. */
export function createSampler(parts: SamplerParts): Tracing["samples"] {
  const { ratio, followsParent, random } = parts;
  const followed = new PerSecond(parts);
  const byRatio = () => ratio > 0 && random() < ratio;
  return (caller, parent) => {
    if (parent === undefined || !followsParent) return byRatio();
    return isSampled(parent) && (followed.take(caller) || byRatio());
  };
}

/** So many for each caller in each second; nothing is kept of the second before. */
class PerSecond {
  readonly #parts: Pick<SamplerParts, "clock" | "maxFollowedPerSecond">;
  readonly #taken = new Map<string, number>();
  #second = 0;

  constructor(parts: Pick<SamplerParts, "clock" | "maxFollowedPerSecond">) {
    this.#parts = parts;
  }

  take(caller: string): boolean {
    const second = Math.floor(this.#parts.clock.monotonic() / MS_PER_SECOND);
    if (second !== this.#second) this.#taken.clear();
    this.#second = second;
    const taken = this.#taken.get(caller) ?? 0;
    if (taken >= this.#parts.maxFollowedPerSecond) return false;
    this.#taken.set(caller, taken + 1);
    return true;
  }
}
