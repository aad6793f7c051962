import { alignedTable } from "../../demo/table.ts";
import { KINDS } from "./samples.ts";
import { requestsPerSecond, type Result } from "./result.ts";

const NAMES = ["mode", "agents", "brokers"];

/** Results as two tables, a line for each: times are p50, p95 and p99 in milliseconds, then what it took. */
export function tablesOf(results: readonly Result[]): readonly string[] {
  const times = results.map((result) => [...namesOf(result), ...KINDS.map((kind) => timesOf(result, kind))]);
  const usage = results.map((result) => [...namesOf(result), ...usageOf(result)]);
  const took = ["seconds", "requests/s", "over s", "broker cores", "broker MiB", "database cores", "database MiB"];
  return [
    ...alignedTable([...NAMES, ...KINDS], times),
    "",
    ...alignedTable([...NAMES, ...took, "failed requests"], usage),
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
  const { overSeconds, brokerCores, brokerMiBLate, databaseCores, databaseMiB, errors } = result;
  const failed = Object.entries(errors).map(([error, count]) => `${count} × ${error}`).join(", ");
  return [
    result.seconds.toFixed(0),
    requestsPerSecond(result).toFixed(0),
    overSeconds?.toFixed(1) ?? "",
    brokerCores.toFixed(2),
    String(brokerMiBLate),
    databaseCores.toFixed(2),
    String(databaseMiB),
    failed,
  ];
}
