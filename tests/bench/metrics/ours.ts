import { systemClock } from "$lib/clock.ts";
import { bound, counter, createRegistry, histogram } from "$lib/metrics.ts";
import { observeRequests } from "../../../broker/http/observe.ts";
import { HTTP_METRICS } from "../../../broker/metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import type { Contender } from "./contenders.ts";
import { BUCKETS, labelSets, values, VALUES_MASK } from "./labels.ts";

const LABELS = { method: "text", endpoint: "text", status: "text" } as const;
const METRICS = {
  operations: counter({ name: "bench_operations_total", help: "Operations.", labels: LABELS }),
  duration: histogram({ name: "bench_duration_seconds", help: "Time.", unit: "s", labels: LABELS, buckets: BUCKETS }),
};

/** The registry of `lib/metrics.ts`, its instruments bound once, and requests observed as the broker does. */
export function ours(sets: number): Contender {
  const registry = createRegistry({ clock: systemClock(), log: silentLog() });
  const { operations, duration } = registry.register(METRICS);
  const counters = labelSets(sets).map((labels) => bound(operations, labels));
  const histograms = labelSets(sets).map((labels) => bound(duration, labels));
  const recorded = values();
  const { page } = registry;
  if (page === undefined) throw new Error("The registry has no page");
  return {
    count(rounds) {
      for (let round = 0; round < rounds; round++) for (const counter of counters) counter.add();
    },
    record(rounds) {
      let at = 0;
      for (let round = 0; round < rounds; round++) {
        for (const histogram of histograms) histogram.record(recorded[at++ & VALUES_MASK] ?? 0);
      }
    },
    answered: observeRequests(registry.register(HTTP_METRICS), []),
    page,
  };
}
