import { alignedTable } from "../../demo/table.ts";
import { KINDS, requestsPerSecond, type Result } from "../../../docs/generate/scale/measurement.ts";

const NAMES = ["mode", "agents", "brokers"];

/** Results as two tables, a line for each: times are p50, p95 and p99 in milliseconds, then what it took. */
export function tablesOf(results: readonly Result[]): readonly string[] {
  const times = results.map((result) => [...namesOf(result), ...KINDS.map((kind) => timesOf(result, kind))]);
  const usage = results.map((result) => [...namesOf(result), ...usageOf(result)]);
  const took = [
    "seconds",
    "requests/s",
    "over s",
    "broker cores",
    "MiB",
    "database cores",
    "MiB",
    "commits/s",
    "WAL KiB/s",
  ];
  return [
    ...alignedTable([...NAMES, ...KINDS], times),
    "",
    ...alignedTable([...NAMES, ...took, "fleet cores", "others", "failed requests"], usage),
  ];
}

function namesOf({ mode, agents, brokers }: Result): string[] {
  return [mode, String(agents), String(brokers)];
}

function timesOf({ times }: Result, kind: (typeof KINDS)[number]): string {
  const each = times[kind];
  return each === undefined ? "" : [each.p50Ms, each.p95Ms, each.p99Ms].map((ms) => ms.toFixed(1)).join(" ");
}

function usageOf(result: Result): string[] {
  const { overSeconds, brokerCores, brokerMiBLate, databaseCores, databaseMiB, fleetCores, errors } = result;
  const failed = Object.entries(errors).map(([error, count]) => `${count} × ${error}`).join(", ");
  return [
    result.seconds.toFixed(0),
    requestsPerSecond(result).toFixed(0),
    overSeconds?.toFixed(1) ?? "",
    brokerCores.toFixed(2),
    String(brokerMiBLate),
    databaseCores.toFixed(2),
    String(databaseMiB),
    String(result.commitsPerSecond),
    String(result.walKiBPerSecond),
    fleetCores.toFixed(2),
    result.otherCores.toFixed(2),
    failed,
  ];
}
