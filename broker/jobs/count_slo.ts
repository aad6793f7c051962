import type { InstrumentsOf } from "$lib/metrics.ts";
import { SLO_RESULTS } from "../domain/delivery_times.ts";
import type { COUNTED_METRICS } from "../metrics.ts";
import type { SloTurn } from "../store/slo.ts";
import type { Store } from "../store/mod.ts";
import type { Job } from "./runner.ts";

/** Deliveries in one transaction. */
const BATCH = 5_000;

/** What counting needs. */
export interface CountSloParts {
  readonly intervalMs: number;
  readonly sloSeconds: number;
  readonly counted: InstrumentsOf<typeof COUNTED_METRICS>["slo"];
}

/**
 * Counts deliveries that became healthy in time, and those that did not; one replica at a time. What was decided is
 * counted once that is lasting: a broker that ends between the two counts it never, and none counts it twice.
 */
export function countSlo(store: Pick<Store, "exclusively">, { intervalMs, sloSeconds, counted }: CountSloParts): Job {
  async function decide(): Promise<SloTurn | undefined> {
    let turn: SloTurn | undefined;
    const isOurs = await store.exclusively("count_slo", async ({ slo }) => {
      turn = await slo.decide(sloSeconds, BATCH);
    });
    return isOurs ? turn : undefined;
  }

  return {
    name: "count_slo",
    intervalMs,
    async runOnce(signal) {
      for (;;) {
        const turn = await decide();
        if (turn === undefined) return "skipped";
        for (const result of SLO_RESULTS) counted.add(turn.counted[result] ?? 0, { result });
        if (turn.decided < BATCH || signal.aborted) return "success";
      }
    },
  };
}
