import { at, objectOr } from "../json.ts";
import { type KubeObject, timestamp } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { type Condition, withConditions } from "./conditions.ts";
import { changeStatus, remove } from "./controller_writes.ts";

/**
 * Runs every Job that is not suspended to its end, without pods, and removes the finished ones that have a time to
 * live.
 *
 * @returns In how many milliseconds the next one is to be removed.
 */
export function runJobs(parts: Parts): number | undefined {
  let nextMs: number | undefined;
  for (const job of parts.store.list(parts.registry.builtIn("jobs"))) {
    if (job.metadata.deletionTimestamp !== undefined) continue;
    if (finishedFor(job) === undefined) advance(parts, job);
    const leftMs = expire(parts, job);
    if (leftMs !== undefined) nextMs = Math.min(nextMs ?? leftMs, leftMs);
  }
  return nextMs;
}

function advance(parts: Parts, job: KubeObject): void {
  if (at(job, "spec", "suspend") === true) return;
  const startTime = at(job, "status", "startTime");
  if (startTime === undefined) return changeStatus(parts, job, { active: 1, ready: 1, startTime: timestamp() });
  const done = (type: string): Condition => ({
    type,
    status: "True",
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
  });
  changeStatus(parts, job, {
    startTime,
    completionTime: timestamp(),
    succeeded: Number(at(job, "spec", "completions") ?? 1),
    terminating: 0,
    ready: 0,
    uncountedTerminatedPods: {},
    conditions: withConditions(at(job, "status", "conditions"), [done("SuccessCriteriaMet"), done("Complete")]),
  });
}

/** For how many milliseconds a finished Job has stood there. */
function finishedFor(job: KubeObject): number | undefined {
  const { completionTime } = objectOr(job.status);
  return completionTime === undefined ? undefined : Date.now() - Date.parse(String(completionTime));
}

function expire(parts: Parts, job: KubeObject): number | undefined {
  const ttl = at(job, "spec", "ttlSecondsAfterFinished");
  if (typeof ttl !== "number") return undefined;
  const forMs = finishedFor(job);
  if (forMs === undefined) return undefined;
  const leftMs = ttl * 1_000 - forMs;
  if (leftMs > 0) return leftMs;
  remove(parts, job);
  return undefined;
}
