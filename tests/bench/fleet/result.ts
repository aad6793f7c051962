import { z } from "zod";
import type { Ran } from "./modes.ts";
import { MODES } from "./modes.ts";
import { KINDS, quantile } from "./samples.ts";
import type { Usage } from "./usage.ts";

const Times = z.object({ count: z.int(), p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number() });

/** What one run of the fleet came to, as it is kept in a file. */
export const Result = z.object({
  mode: z.enum(MODES),
  agents: z.int(),
  brokers: z.int(),
  seconds: z.number(),
  times: z.partialRecord(z.enum(KINDS), Times),
  /** How many requests failed, by what was answered. */
  errors: z.record(z.string(), z.int()),
  /** Until the last agent had done what was asked; absent where a mode has no such end. */
  overSeconds: z.number().optional(),
  brokerCores: z.number(),
  databaseCores: z.number(),
  /** MiB of the largest broker: the median of the second minute, or of the first half of a shorter run; and of the last. */
  brokerMiBEarly: z.number(),
  brokerMiBLate: z.number(),
  databaseMiB: z.number(),
});
/** The type of the shape of the same name. */
export type Result = z.infer<typeof Result>;

const MINUTE = 60;

/** Sums up a run. */
export function resultOf(
  run: Pick<Result, "mode" | "agents" | "brokers" | "seconds">,
  { samples, overMs }: Ran,
  usage: Usage,
): Result {
  const times = KINDS.flatMap((kind) => {
    const ms = samples.ms[kind];
    if (ms.length === 0) return [];
    const at = (share: number) => Math.round(quantile(ms, share) * 10) / 10;
    return [[kind, { count: ms.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }]];
  });
  const { brokerMiB } = usage;
  const half = Math.floor(brokerMiB.length / 2);
  const isLong = brokerMiB.length >= 3 * MINUTE;
  return {
    ...run,
    times: Object.fromEntries(times),
    errors: samples.errors,
    ...(overMs === undefined ? {} : { overSeconds: hundredths(overMs / 1_000) }),
    brokerCores: hundredths(usage.brokerCores),
    databaseCores: hundredths(usage.databaseCores),
    brokerMiBEarly: Math.round(quantile(isLong ? brokerMiB.slice(MINUTE, 2 * MINUTE) : brokerMiB.slice(0, half), 0.5)),
    brokerMiBLate: Math.round(quantile(isLong ? brokerMiB.slice(-MINUTE) : brokerMiB.slice(half), 0.5)),
    databaseMiB: Math.round(usage.databaseMiB),
  };
}

/** Requests that the fleet sent a second. */
export function requestsPerSecond({ times, seconds }: Pick<Result, "times" | "seconds">): number {
  return Object.values(times).reduce((sum, { count }) => sum + count, 0) / seconds;
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
