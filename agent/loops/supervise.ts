import { isFailure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { type Backoff, type Loop, runLoop, type Waiting } from "$lib/retry.ts";

/** A loop of the agent: what it is called in the log, and what cuts its pauses short. */
export interface SupervisedLoop extends Pick<Loop, "turn" | "intervalMs"> {
  readonly name: string;
  readonly wake?: (signal: AbortSignal) => Promise<void>;
}

/** Pauses of a loop after failed turns in a row. */
const LOOP_BACKOFF: Backoff = { minMs: 1_000, maxMs: 60_000 };

/** Runs a loop until `signal` aborts, whatever its turns do: a failed one is logged, and repeated after a pause. */
export async function supervise(
  { name, wake, ...loop }: SupervisedLoop,
  { log, clock, random }: Waiting & { readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const failed = (error: unknown, failures: number) => {
    const fields = { loop: name, failures, error };
    if (mayPass(error)) log.warn("turn failed, will try again", fields);
    else log.error("turn failed, will try again", fields);
  };
  await runLoop({ ...loop, backoff: LOOP_BACKOFF, failed }, { clock, random, wake }, signal);
}

/** Whether waiting may help; a refused key or a refusal needs a person. */
function mayPass(error: unknown): boolean {
  return isFailure(error, "broker_unavailable", "kubernetes_unavailable") && error.details?.status !== 401;
}
