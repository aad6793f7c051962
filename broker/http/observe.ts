import type { CounterCell, FamiliesOf, HistogramCell } from "$lib/metrics.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import type { HTTP_METRICS } from "../metrics.ts";

/** What an endpoint's last answer moved: the next one is mostly alike, and to find these takes longer than to move them. */
interface Last extends Omit<AnsweredRequest, "endpoint" | "seconds"> {
  readonly count: CounterCell;
  readonly time: HistogramCell;
}

/** Counts and times every request that was answered. */
export function observeRequests(
  { requests, duration }: FamiliesOf<typeof HTTP_METRICS>,
): (answered: AnsweredRequest) => void {
  const lasts = new Map<string, Last>();

  function find({ method, endpoint, status }: AnsweredRequest): Last {
    const count = requests.bind({ method, endpoint, status: String(status) });
    const last = { method, status, count, time: duration.bind({ method, endpoint }) };
    lasts.set(endpoint, last);
    return last;
  }

  return (answered) => {
    const last = lasts.get(answered.endpoint);
    const { count, time } = last?.method === answered.method && last.status === answered.status ? last : find(answered);
    count.add();
    time.record(answered.seconds);
  };
}
