import type { Clock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import type { Log } from "$lib/log.ts";
import { runLoop } from "$lib/retry.ts";

const RETRY_MIN_MS = 1_000;

/** What runs on a timer. */
export interface Job {
  /** As logs and locks know it. */
  readonly name: string;
  readonly intervalMs: number;
  /** One run; a rejection ends the run, never the job. */
  runOnce(signal: AbortSignal): Promise<void>;
  /** Resolves when the next run should start before its time. */
  readonly wake?: (signal: AbortSignal) => Promise<void>;
}

/** Runs every job, first at once and then on its timer, until the signal aborts and the runs in progress have ended. */
export async function runJobs(
  jobs: readonly Job[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(jobs.map((job) => {
    const { name, intervalMs, wake } = job;
    const failed = (error: unknown, failures: number) => log.warn("job failed", { job: name, failures, error });
    const backoff = { minMs: RETRY_MIN_MS, maxMs: intervalMs };
    return runLoop(
      { turn: (signal) => job.runOnce(signal), intervalMs, backoff, failed },
      { clock, random, wake },
      signal,
    );
  }));
}
