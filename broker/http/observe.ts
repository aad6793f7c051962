import type { FamiliesOf } from "$lib/metrics.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import type { HTTP_METRICS } from "../metrics.ts";

/** Counts and times every request that was answered; what is held is not timed. */
export function observeRequests(
  { requests, duration }: FamiliesOf<typeof HTTP_METRICS>,
): (answered: AnsweredRequest) => void {
  return (answered) => {
    requests.bind(answered).add();
    if (!answered.isHeld) duration.bind(answered).record(answered.seconds);
  };
}
