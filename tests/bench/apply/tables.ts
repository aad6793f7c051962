import type { AuditEvent } from "../../cluster/audit.ts";
import { alignedTable } from "../../demo/table.ts";
import { countRequests, windowMs } from "./requests.ts";

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

/** Everything that was measured. */
export interface Results {
  readonly baseline: { readonly ms: number; readonly events: readonly AuditEvent[] };
  readonly first: Delivery;
  readonly again: Delivery;
  readonly oneChanged: Delivery;
  readonly limits: { readonly first: number; readonly again: number; readonly oneChanged: number };
  readonly memory: { readonly idle: Memory; readonly afterFirst: Memory; readonly afterLast: Memory };
  readonly isForMember: (event: AuditEvent) => boolean;
}

const COMPARED = `
Compared is the agent's own time: from when the broker's answer that names the object is handed to it until its report
arrives. That is all of its work (bundle fetched, parsed, checked, applied) and nothing of the wait for the next poll.`;

/** The results as people read them, line by line. */
export function tables(results: Results): readonly string[] {
  return [...times(results), "", ...requests(results), "", ...memory(results), COMPARED];
}

function times({ baseline, first, again, oneChanged, limits, isForMember }: Results): readonly string[] {
  const row = (name: string, { workMs, submitToReportMs, events }: Delivery, [to, max]: readonly [number, number]) => [
    ...[name, seconds(workMs), (workMs / to).toFixed(3), `≤ ${max}`],
    ...[seconds(windowMs(events.filter(isForMember))), seconds(submitToReportMs)],
  ];
  return alignedTable(["", "time s", "ratio", "limit", "first to last request for a member s", "submit to report s"], [
    ["one after the other", seconds(baseline.ms), "1", "", seconds(windowMs(baseline.events))],
    row("first time", first, [baseline.ms, limits.first]),
    row("unchanged again", again, [baseline.ms, limits.again]),
    row("one changed", oneChanged, [baseline.ms, limits.oneChanged]),
  ]);
}

function requests({ baseline, first, again, oneChanged }: Results): readonly string[] {
  const counts = [baseline, first, again, oneChanged].map(({ events }) => countRequests(events));
  const kinds = [...new Set(counts.flatMap((count) => [...count.keys()]))].sort();
  const rows = kinds.map((kind) => [kind, ...counts.map((count) => String(count.get(kind) ?? 0))]);
  return alignedTable([
    "requests by the audit log",
    "one after the other",
    "first time",
    "unchanged again",
    "one changed",
  ], rows);
}

function memory({ memory: { idle, afterFirst, afterLast } }: Results): readonly string[] {
  const moments = [idle, afterFirst, afterLast];
  return alignedTable(["VmRSS MiB", "idle", "after the first time", "after the last"], [
    ["broker", ...moments.map(({ broker }) => broker.toFixed(0))],
    ["agent", ...moments.map(({ agent }) => agent.toFixed(0))],
  ]);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
