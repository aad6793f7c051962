import type { FamiliesOf } from "$lib/metrics.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import type { HTTP_METRICS } from "../metrics.ts";

/** Counts and times every request that was answered; what is held is not timed. */
export function observeRequests(
  { requests, duration }: FamiliesOf<typeof HTTP_METRICS>,
): (answered: AnsweredRequest) => void {
  return ({ method, endpoint, status, seconds, isHeld }) => {
    requests.bind({ method, endpoint, status }).add();
    if (!isHeld) duration.bind({ method, endpoint }).record(seconds);
  };
}
