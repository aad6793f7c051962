import { type Kind, KINDS } from "../../../docs/generate/scale/measurement.ts";

/** What a part of the fleet saw since it was last asked. */
export interface Samples {
  /** Milliseconds from when a request was due until its answer, by kind. */
  readonly ms: Record<Kind, number[]>;
  /** How many requests failed, by what was answered. */
  readonly errors: Record<string, number>;
  /** Agents that got an answer to a poll. */
  polled: number;
  /** Reports that the broker has acknowledged. */
  reported: number;
}

/** Nothing seen yet. */
export function noSamples(): Samples {
  return {
    ms: { poll: [], snapshot: [], bundle: [], report: [], heartbeat: [], submission: [] },
    errors: {},
    polled: 0,
    reported: 0,
  };
}

/** All parts as one. */
export function merged(parts: readonly Samples[]): Samples {
  const all = noSamples();
  for (const { ms, errors, polled, reported } of parts) {
    for (const kind of KINDS) all.ms[kind] = all.ms[kind].concat(ms[kind]);
    for (const [error, count] of Object.entries(errors)) all.errors[error] = (all.errors[error] ?? 0) + count;
    all.polled += polled;
    all.reported += reported;
  }
  return all;
}

/** The value below which this share of them lies; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
