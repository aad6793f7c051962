import { alignedTable } from "../../demo/table.ts";
import type { Measured } from "./load.ts";
import type { HotPath } from "./paths.ts";

/** One measurement of a path, of `/healthz` just before, and of the same path elsewhere just after. */
export interface Trial {
  readonly health: Measured;
  readonly measured: Measured;
  /** Of version 0.10.0. */
  readonly old: Measured;
  /** With much else in the database. */
  readonly burdened: Measured;
  /** Time of a processor that the broker took for a request, in microseconds. */
  readonly brokerUs: number;
}

/** All trials, by their path. */
type Trials = ReadonlyMap<HotPath, readonly Trial[]>;
/** What the load sends a second to a server that does nothing, by the names of paths. */
type Ceilings = ReadonlyMap<string, number>;

/** A limit a second counts where the load itself can send so many times as much. */
const CEILING_MIN = 2;
/** What much else in the database may make a path slower by. */
const BURDEN_MAX = 1.3;
const HEAD = [
  "",
  "requests/s",
  "limit",
  "the load's own",
  "p50 ms",
  "p99 ms",
  "broker CPU µs",
  "of /healthz",
  "limit",
  "0.10.0 requests/s",
  "304,000 deliveries requests/s",
  "times slower",
];

/** The medians of all trials, a line for each path. */
export function table(trials: Trials, ceilings: Ceilings): readonly string[] {
  return alignedTable(
    HEAD,
    [...trials].map(([{ name, ratioMin, perSecondMin }, done]) => [
      name,
      perSecond(done).toFixed(0),
      perSecondMin === undefined ? "" : `≥ ${perSecondMin}`,
      ceilings.get(name)?.toFixed(0) ?? "",
      median(done, ({ measured }) => measured.p50Ms).toFixed(2),
      median(done, ({ measured }) => measured.p99Ms).toFixed(2),
      median(done, ({ brokerUs }) => brokerUs).toFixed(0),
      median(done, ratioOf).toFixed(3),
      `≥ ${ratioMin}`,
      median(done, ({ old }) => old.perSecond).toFixed(0),
      median(done, ({ burdened }) => burdened.perSecond).toFixed(0),
      median(done, burdenOf).toFixed(2),
    ]),
  );
}

/** What is slower than it may be, or could not be seen to be as fast as it must. */
export function faultsOf(trials: Trials, ceilings: Ceilings): readonly string[] {
  return [...trials].flatMap(([{ name, ratioMin, perSecondMin = 0 }, done]) => [
    ...(median(done, ratioOf) < ratioMin ? [`${name} answers less than ${ratioMin} of what /healthz does`] : []),
    ...limitFaults(name, { perSecondMin, perSecond: perSecond(done), ceiling: ceilings.get(name) ?? Infinity }),
    ...(median(done, burdenOf) > BURDEN_MAX
      ? [`${name} is more than ${BURDEN_MAX} times slower with 304,000 deliveries`]
      : []),
  ]);
}

interface Limited {
  readonly perSecondMin: number;
  readonly perSecond: number;
  readonly ceiling: number;
}

function limitFaults(name: string, { perSecondMin, perSecond, ceiling }: Limited): readonly string[] {
  if (perSecond >= perSecondMin) return [];
  if (ceiling >= CEILING_MIN * perSecondMin) return [`${name} answers less than ${perSecondMin} a second`];
  return [
    `${name} can't be measured: a server that does nothing answers ${ceiling.toFixed(0)} a second, which is too few`,
  ];
}

function perSecond(done: readonly Trial[]): number {
  return median(done, ({ measured }) => measured.perSecond);
}

function ratioOf({ health, measured }: Trial): number {
  return measured.perSecond / health.perSecond;
}

function burdenOf({ measured, burdened }: Trial): number {
  return measured.perSecond / burdened.perSecond;
}

function median(trials: readonly Trial[], of: (trial: Trial) => number): number {
  const sorted = trials.map(of).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
