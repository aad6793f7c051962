import type { AuditEvent } from "../../cluster/audit.ts";
import { alignedTable } from "../../demo/table.ts";
import { countRequests } from "./requests.ts";

/** One submission on its way. */
export interface Delivery {
  /** From when the agent was handed the answer that names the object until its report arrived. */
  readonly workMs: number;
  readonly submitToReportMs: number;
  /** What the agent asked the API server, until well after its report. */
  readonly events: readonly AuditEvent[];
}

/** MiB of the programs at one moment. */
export interface Memory {
  readonly broker: number;
  readonly agent: number;
}

/** What was measured one after the other, each in a namespace of its own. */
export interface Round {
  /** What 2,000 applies take one after the other. */
  readonly baselineMs: number;
  /** What the requests of the first delivery take alone. */
  readonly bareMs: number;
  readonly first: Delivery;
  readonly again: Delivery;
  readonly oneChanged: Delivery;
}

/** Everything that was measured. */
export interface Results {
  readonly rounds: readonly Round[];
  readonly baselineEvents: readonly AuditEvent[];
  readonly memory: { readonly idle: Memory; readonly afterLast: Memory };
}

type Measured = "first" | "again" | "oneChanged";
type Compared = "baselineMs" | "bareMs";

/**
 * What is judged, of one request after the other: the median of each round's own ratio, as whatever else the machine
 * does befalls both parts of it.
 */
const LIMITS: readonly { readonly name: string; readonly of: Measured; readonly max: number }[] = [
  { name: "first time", of: "first", max: 0.35 },
  { name: "unchanged again", of: "again", max: 0.03 },
  { name: "one changed", of: "oneChanged", max: 0.05 },
];

const COMPARED = `
Compared is the agent's own time: from when the broker's answer that names the object is handed to it until its report
arrives. That is all of its work (bundle fetched, parsed, checked, applied) and nothing of the wait for the next poll.
Ratios are the median of each round's own. The bare requests are what the API server alone takes, with as many at once.`;

/** The results as people read them, line by line. */
export function tables(results: Results): readonly string[] {
  return [...times(results), "", ...requests(results), "", ...memory(results), COMPARED];
}

/** What took longer than it may. */
export function tooSlow({ rounds }: Pick<Results, "rounds">): readonly string[] {
  return LIMITS.flatMap(({ name, of, max }) => {
    const ratio = ratioOf(rounds, of, "baselineMs");
    return ratio <= max ? [] : [`${name} took ${ratio.toFixed(3)}, and not ≤ ${max}`];
  });
}

function times({ rounds }: Results): readonly string[] {
  const rows = LIMITS.map(({ name, of, max }) => [
    ...[name, seconds(rounds.map((round) => round[of].workMs))],
    ...[ratioOf(rounds, of, "baselineMs").toFixed(3), ratioOf(rounds, of, "bareMs").toFixed(3)],
    `≤ ${max} of one after the other`,
    seconds(rounds.map((round) => round[of].submitToReportMs)),
  ]);
  const bare = median(rounds.map(({ bareMs, baselineMs }) => bareMs / baselineMs)).toFixed(3);
  return alignedTable(["", "s", "of one after the other", "of the bare", "limit", "submit to report s"], [
    ["one after the other", seconds(rounds.map(({ baselineMs }) => baselineMs)), "1", "", "", ""],
    ["bare requests", seconds(rounds.map(({ bareMs }) => bareMs)), bare, "1", "", ""],
    ...rows,
  ]);
}

function ratioOf(rounds: readonly Round[], of: Measured, to: Compared): number {
  return median(rounds.map((round) => round[of].workMs / round[to]));
}

function requests({ baselineEvents, rounds }: Results): readonly string[] {
  const last = rounds.at(-1);
  if (last === undefined) return [];
  const deliveries = [last.first, last.again, last.oneChanged].map(({ events }) => events);
  const counts = [baselineEvents, ...deliveries].map(countRequests);
  const kinds = [...new Set(counts.flatMap((count) => [...count.keys()]))].sort();
  const rows = kinds.map((kind) => [kind, ...counts.map((count) => String(count.get(kind) ?? 0))]);
  const heads = ["one after the other", "first time", "unchanged again", "one changed"];
  return alignedTable(["requests by the audit log, in the last round", ...heads], rows);
}

function memory({ memory: { idle, afterLast } }: Results): readonly string[] {
  const moments = [idle, afterLast];
  return alignedTable(["VmRSS MiB", "idle", "after the last"], [
    ["broker", ...moments.map(({ broker }) => broker.toFixed(0))],
    ["agent", ...moments.map(({ agent }) => agent.toFixed(0))],
  ]);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

function seconds(ms: readonly number[]): string {
  return ms.map((one) => (one / 1000).toFixed(3)).join(" ");
}
