import { alignedTable } from "../../demo/table.ts";
import type { Measured } from "./load.ts";
import type { HotPath } from "./paths.ts";

/** One measurement of a path, and of `/healthz` just before. */
export interface Trial {
  readonly health: Measured;
  readonly measured: Measured;
  /** Time of a processor that the broker took for a request, in microseconds. */
  readonly brokerUs: number;
}

const HEAD = [
  "",
  "requests/s",
  "p50 ms",
  "p99 ms",
  "broker CPU µs",
  "/healthz requests/s",
  "ratio",
  "limit",
  "to beat/s",
];

/** The medians of all trials, a line for each path. */
export function table(trials: ReadonlyMap<HotPath, readonly Trial[]>): readonly string[] {
  return alignedTable(
    HEAD,
    [...trials].map(([{ name, ratioMin, beats }, done]) => [
      name,
      median(done, ({ measured }) => measured.perSecond).toFixed(0),
      median(done, ({ measured }) => measured.p50Ms).toFixed(2),
      median(done, ({ measured }) => measured.p99Ms).toFixed(2),
      median(done, ({ brokerUs }) => brokerUs).toFixed(0),
      median(done, ({ health }) => health.perSecond).toFixed(0),
      median(done, ratioOf).toFixed(3),
      `≥ ${ratioMin}`,
      beats === undefined ? "" : String(beats),
    ]),
  );
}

/** What is slower than it may be. */
export function faultsOf(trials: ReadonlyMap<HotPath, readonly Trial[]>): readonly string[] {
  return [...trials].filter(([{ ratioMin }, done]) => median(done, ratioOf) < ratioMin)
    .map(([{ name, ratioMin }]) => `${name} answers less than ${ratioMin} of what /healthz does`);
}

function ratioOf({ health, measured }: Trial): number {
  return measured.perSecond / health.perSecond;
}

function median(trials: readonly Trial[], of: (trial: Trial) => number): number {
  const sorted = trials.map(of).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
