import type { Clock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import type { Log } from "$lib/log.ts";
import { runLoop } from "$lib/retry.ts";
import { bound } from "$lib/metrics.ts";
import type { JobMetrics, JobResult, Task } from "../metrics.ts";

const RETRY_MIN_MS = 1_000;

/** What runs on a timer. */
export interface Job {
  /** As logs, locks and metrics know it. */
  readonly name: Task;
  readonly intervalMs: number;
  /** One run, and whether it was this replica's; a rejection ends the run, never the job. */
  runOnce(signal: AbortSignal): Promise<Exclude<JobResult, "error">>;
  /** Resolves when the next run should start before its time. */
  readonly wake?: (signal: AbortSignal) => Promise<void>;
}

/** What running jobs needs. */
export interface RunnerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: JobMetrics;
}

/** Runs every job, first at once and then on its timer, until the signal aborts and the runs in progress have ended. */
export async function runJobs(jobs: readonly Job[], parts: RunnerParts, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts;
  await Promise.all(jobs.map((job) => {
    const { name, intervalMs, wake } = job;
    const failed = (error: unknown, failures: number) => log.warn("job failed", { job: name, failures, error });
    const backoff = { minMs: RETRY_MIN_MS, maxMs: intervalMs };
    return runLoop({ turn: metered(job, parts), intervalMs, backoff, failed }, { clock, random, wake }, signal);
  }));
}

/** A run that is counted and timed when it ends; one that the program's end cut off says nothing of the job. */
function metered(job: Job, { clock, metrics }: RunnerParts): (signal: AbortSignal) => Promise<void> {
  const task = job.name;
  const duration = bound(metrics.duration, { task });
  const lastSuccess = bound(metrics.lastSuccess, { task });
  return async (signal) => {
    const startedMs = clock.monotonic();
    const ended = (result: JobResult) => {
      metrics.runs.add(1, { task, result });
      if (result !== "skipped") duration.record((clock.monotonic() - startedMs) / 1_000);
      if (result === "success") lastSuccess.record(clock.now() / 1_000);
    };
    try {
      ended(await job.runOnce(signal));
    } catch (error) {
      if (!signal.aborted) ended("error");
      throw error;
    }
  };
}
