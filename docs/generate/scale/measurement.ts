import { z } from "zod";

/** What is done to brokers while their fleet is connected, in this order. */
export const MODES = ["steady", "rollout", "churn", "mixed", "storm"] as const;
/** One of {@linkcode MODES}. */
export type Mode = (typeof MODES)[number];

/** What is asked of a broker: a poll is answered 304, a snapshot says something new; all but submissions by agents. */
export const KINDS = ["poll", "snapshot", "bundle", "report", "heartbeat", "submission"] as const;
/** One of {@linkcode KINDS}. */
export type Kind = (typeof KINDS)[number];

const Times = z.object({ count: z.int(), p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number() });

/** What one run of the fleet came to. */
export const Result = z.object({
  mode: z.enum(MODES),
  agents: z.int(),
  brokers: z.int(),
  /** The day, as `2026-11-29`. */
  day: z.string(),
  seconds: z.number(),
  times: z.partialRecord(z.enum(KINDS), Times),
  /** How many requests failed, by what was answered. */
  errors: z.record(z.string(), z.int()),
  /** Until the last agent had done what was asked; absent where a mode has no such end. */
  overSeconds: z.number().optional(),
  /** Processors busy, on average: all brokers, the database with all its processes, and what plays the agents. */
  brokerCores: z.number(),
  databaseCores: z.number(),
  fleetCores: z.number(),
  /** Processors that everything else on the machine kept busy: what is near 0 was measured alone. */
  otherCores: z.number(),
  /**
   * MiB of the largest broker: the median of the second minute, or of the first half of a shorter run; and of the last.
   */
  brokerMiBEarly: z.number(),
  brokerMiBLate: z.number(),
  /** MiB of the database's processes, shared pages once. */
  databaseMiB: z.number(),
  commitsPerSecond: z.number(),
  /** KiB that the database wrote to its log, a second. */
  walKiBPerSecond: z.number(),
  /** Requests a second that this fleet sends to a server that does nothing. */
  ceilingPerSecond: z.number(),
  /** Which limits it missed, in words. */
  faults: z.array(z.string()),
});
/** The type of the shape of the same name. */
export type Result = z.infer<typeof Result>;

/** Results of one machine, measured at once or one after the other: what the page about scale is made of. */
export const Measurements = z.object({ machine: z.string(), results: z.array(Result) });
/** The type of the shape of the same name. */
export type Measurements = z.infer<typeof Measurements>;

/** Requests that a run came to, a second. */
export function requestsPerSecond({ times, seconds }: Pick<Result, "times" | "seconds">): number {
  return Object.values(times).reduce((sum, { count }) => sum + count, 0) / seconds;
}

/** The 99th percentile of the kind of request that took longest, in milliseconds. */
export function slowestMs({ times }: Pick<Result, "times">): number {
  return Math.max(0, ...Object.values(times).map(({ p99Ms }) => p99Ms));
}
