import { Counter, Histogram, Registry } from "prom-client";
import type { Contender } from "./contenders.ts";
import { BUCKETS, labelSets, values, VALUES_MASK } from "./labels.ts";

const LABELS = ["method", "endpoint", "status"] as const;

/** `prom-client`, as its readme uses it. */
export function promClient(sets: number): Contender {
  const register = new Registry();
  const registers = [register];
  const operations = new Counter({ name: "bench_operations_total", help: "O.", labelNames: LABELS, registers });
  const duration = new Histogram({
    ...{ name: "bench_duration_seconds", help: "Time.", labelNames: LABELS, buckets: BUCKETS, registers },
  });
  const requests = new Counter({ name: "http_requests_total", help: "R.", labelNames: LABELS, registers });
  const requestDuration = new Histogram({
    ...{ name: "http_request_duration_seconds", help: "Time.", labelNames: LABELS, buckets: BUCKETS, registers },
  });
  const all = labelSets(sets);
  const recorded = values();
  return {
    count(rounds) {
      for (let round = 0; round < rounds; round++) for (const labels of all) operations.inc({ ...labels });
    },
    record(rounds) {
      let at = 0;
      for (let round = 0; round < rounds; round++) {
        for (const labels of all) duration.observe({ ...labels }, recorded[at++ & VALUES_MASK] ?? 0);
      }
    },
    answered({ method, endpoint, status, seconds }) {
      requests.inc({ method, endpoint, status: String(status) });
      requestDuration.observe({ method, endpoint }, seconds);
    },
    page: () => register.metrics(),
  };
}
