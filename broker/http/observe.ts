import { bound, type BoundCounter, type BoundHistogram, type InstrumentsOf } from "$lib/metrics.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import type { HTTP_METRICS } from "../metrics.ts";

/** What an endpoint's last answer moved: the next one is mostly alike, and to find these takes longer than to move them. */
interface Last extends Pick<AnsweredRequest, "method" | "status"> {
  readonly count: BoundCounter;
  /** Absent for what is held. */
  readonly time: BoundHistogram | undefined;
}

/** Counts every request that was answered, and times those that were not held. */
export function observeRequests(
  { requests, duration }: InstrumentsOf<typeof HTTP_METRICS>,
): (answered: AnsweredRequest) => void {
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
