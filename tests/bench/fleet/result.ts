import { KINDS, type Result } from "../../../docs/generate/scale/measurement.ts";
import type { Ran } from "./modes.ts";
import { quantile } from "./samples.ts";
import type { Usage } from "./usage.ts";

const MINUTE = 60;

/** Sums up a run; what it must hold is judged later. */
export function resultOf(
  run: Pick<Result, "mode" | "agents" | "brokers" | "seconds" | "ceilingPerSecond">,
  { samples, overMs }: Ran,
  usage: Usage,
): Omit<Result, "faults"> {
  const times = KINDS.flatMap((kind) => {
    const ms = samples.ms[kind];
    if (ms.length === 0) return [];
    const at = (share: number) => Math.round(quantile(ms, share) * 10) / 10;
    return [[kind, { count: ms.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }]];
  });
  const { brokerMiB, brokerCores, databaseCores, fleetCores, otherCores, databaseMiB, commits, walBytes } = usage;
  const half = Math.floor(brokerMiB.length / 2);
  const isLong = brokerMiB.length >= 3 * MINUTE;
  return {
    ...run,
    day: new Date().toISOString().slice(0, 10),
    seconds: hundredths(run.seconds),
    times: Object.fromEntries(times),
    errors: samples.errors,
    ...(overMs === undefined ? {} : { overSeconds: hundredths(overMs / 1_000) }),
    brokerCores: hundredths(brokerCores),
    databaseCores: hundredths(databaseCores),
    fleetCores: hundredths(fleetCores),
    otherCores: hundredths(otherCores),
    brokerMiBEarly: Math.round(quantile(isLong ? brokerMiB.slice(MINUTE, 2 * MINUTE) : brokerMiB.slice(0, half), 0.5)),
    brokerMiBLate: Math.round(quantile(isLong ? brokerMiB.slice(-MINUTE) : brokerMiB.slice(half), 0.5)),
    databaseMiB: Math.round(databaseMiB),
    commitsPerSecond: Math.round(commits / run.seconds),
    walKiBPerSecond: Math.round(walBytes / 1_024 / run.seconds),
    ceilingPerSecond: Math.round(run.ceilingPerSecond),
  };
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
