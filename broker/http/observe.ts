import { bound, type BoundCounter, type BoundHistogram, type InstrumentsOf } from "$lib/metrics.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import { STATUS_OF } from "$lib/error.ts";
import type { HTTP_METRICS } from "../metrics.ts";

/** Every status that says the broker failed. */
const FAULTS = [...new Set<number>(Object.values(STATUS_OF))].filter((status) => status >= 500);

/**
 * What an endpoint's last answer moved: the next one is mostly alike, and to find these takes longer than to move them.
 */
interface Last extends Pick<AnsweredRequest, "method" | "status"> {
  readonly count: BoundCounter;
  /** Absent for what is held. */
  readonly time: BoundHistogram | undefined;
}

/**
 * Counts every request that was answered, and times those that were not held. The failures of each of `routes` start at
 * 0: what is born with its first failure is not seen to rise.
 */
export function observeRequests(
  { requests, duration }: InstrumentsOf<typeof HTTP_METRICS>,
  routes: readonly Pick<AnsweredRequest, "method" | "endpoint">[],
): (answered: AnsweredRequest) => void {
  for (const { method, endpoint } of routes) {
    for (const status of FAULTS) bound(requests, { method, endpoint, status: String(status) });
  }
  const lasts = new Map<string, Last>();

  function find({ method, endpoint, status, isHeld }: AnsweredRequest): Last {
    const count = bound(requests, { method, endpoint, status: String(status) });
    const last = { method, status, count, time: isHeld ? undefined : bound(duration, { method, endpoint }) };
    lasts.set(endpoint, last);
    return last;
  }

  return (answered) => {
    const last = lasts.get(answered.endpoint);
    const { count, time } = last?.method === answered.method && last.status === answered.status ? last : find(answered);
    count.add();
    time?.record(answered.seconds, answered.span?.context);
  };
}
