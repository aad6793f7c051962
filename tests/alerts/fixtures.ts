import { findParts, partOfKind, readPromql } from "../../docs/generate/promql.ts";
import { alertRules, recordingRules } from "../promql/rule_files.ts";
import { readRecording, type Recording, writeRecording } from "./recording.ts";
import type { Scenario } from "./scenario.ts";

/** What a fixture begins with. */
const HEADING = "Cut from the pages that the programs served; made anew by: deno task record";

/** The recording of a scenario, as it was kept. */
export function keptRecording({ name }: Pick<Scenario, "name">): Recording {
  return readRecording(Deno.readTextFileSync(fileOf(name)));
}

/** Lets a scenario happen, and keeps what was on the pages of the metrics that its alerts ask for. */
export async function keepRecording(scenario: Scenario): Promise<Recording> {
  const recording = await scenario.record(metricsOf(scenario));
  await Deno.writeTextFile(fileOf(scenario.name), writeRecording(recording, `${HEADING} ${scenario.name}`));
  return recording;
}

function fileOf(name: string): URL {
  return new URL(`fixtures/${name}.pages`, import.meta.url);
}

/**
 * The metrics that the expressions of a scenario's alerts name, or those of what is recorded for them; of one that is
 * played through, those of every alert.
 */
export function metricsOf({ play, alerts, silent = [] }: Scenario): ReadonlySet<string> {
  return play === undefined
    ? metricsOfAlerts([...alerts, ...silent])
    : metricsOfAlerts(alertRules().map(({ alert }) => alert));
}

/** The metrics that the expressions of these alerts name, or those of what is recorded for them. */
export function metricsOfAlerts(alerts: readonly string[]): ReadonlySet<string> {
  const named = alertRules().filter(({ alert }) => alerts.includes(alert));
  return new Set(named.flatMap(({ expr }) => metricsIn(expr)));
}

function metricsIn(expr: string): readonly string[] {
  const part = readPromql(expr);
  if ("faults" in part) throw new Error(`Cannot read a rule: ${part.faults.join(", ")}`);
  const names = findParts(part, "VectorSelector").map((one) => partOfKind(one, "Identifier")?.text ?? "");
  return names.flatMap((name) => {
    const recordings = recordingRules().filter(({ record }) => record === name);
    return recordings.length === 0 ? [name] : recordings.flatMap(({ expr }) => metricsIn(expr));
  });
}
