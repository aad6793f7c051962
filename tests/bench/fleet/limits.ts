import { type Mode, requestsPerSecond, type Result } from "../../../docs/generate/scale/measurement.ts";
import { LOST, NOT_DONE } from "./modes.ts";

/** What a mode must hold with so many agents, on two idle cores that carry brokers, database and fleet. */
interface Limit {
  readonly agents: number;
  /** Milliseconds, of every kind of request. */
  readonly p99Ms?: number;
  readonly overSeconds?: number;
  /** Of each broker. */
  readonly brokerCores?: number;
  /** The memory of the last minute, by that of the second: of runs that have both. */
  readonly growth?: number;
}

/** Until then a program that is new takes what it will keep. */
const GROWTH_SECONDS = 180;

const LIMITS: Readonly<Record<Mode, Limit>> = {
  steady: { agents: 5_000, p99Ms: 100, brokerCores: 1, growth: 1.05 },
  rollout: { agents: 5_000, p99Ms: 250, overSeconds: 20 },
  churn: { agents: 5_000, p99Ms: 100 },
  mixed: { agents: 5_000, p99Ms: 100 },
  storm: { agents: 2_000, overSeconds: 20 },
};

/** How often as many requests as it sends the fleet must be able to send, for what it says of a broker to count. */
const CEILING_RATIO = 2;

/** With how many agents a mode is measured when nobody says otherwise. */
export function usualAgents(mode: Mode): number {
  return LIMITS[mode].agents;
}

/**
 * What a result does not hold; of one that is larger than its limit speaks of, nothing is asked but that nothing fails.
 */
export function faultsOf(result: Omit<Result, "faults">): readonly string[] {
  const { mode, agents, brokers, times, errors, overSeconds = 0, seconds, brokerMiBEarly, brokerMiBLate } = result;
  const failed = Object.entries(errors).filter(([error]) => mode !== "storm" || error === NOT_DONE || error === LOST);
  const faults = failed.map(([error, count]) => `${count} × ${error}`);
  const limit = LIMITS[mode];
  if (agents > limit.agents) return faults;
  if (requestsPerSecond(result) * CEILING_RATIO > result.ceilingPerSecond) {
    faults.push(`the fleet itself can send but ${result.ceilingPerSecond} requests a second: nothing is shown`);
  }
  for (const [kind, { p99Ms }] of Object.entries(times)) {
    if (p99Ms > (limit.p99Ms ?? Infinity)) faults.push(`${kind}: p99 is ${p99Ms} ms, limit ${limit.p99Ms}`);
  }
  if (overSeconds > (limit.overSeconds ?? Infinity)) {
    faults.push(`over after ${overSeconds} s, limit ${limit.overSeconds}`);
  }
  const brokerCores = result.brokerCores / brokers;
  if (brokerCores > (limit.brokerCores ?? Infinity)) faults.push(`a broker takes ${brokerCores} processors`);
  if (seconds >= GROWTH_SECONDS && brokerMiBLate > brokerMiBEarly * (limit.growth ?? Infinity)) {
    faults.push(`memory grows from ${brokerMiBEarly} to ${brokerMiBLate} MiB`);
  }
  return faults;
}
