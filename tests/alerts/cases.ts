import type { AlertCase } from "./promtool_cases.ts";
import { keptRecording } from "./fixtures.ts";
import type { Scenario } from "./scenario.ts";

const PACE = 60;

/** A scenario and one of the alerts that have to fire in it. */
export interface NamedCase {
  readonly alert: string;
  readonly scenario: Scenario;
}

/** Every alert of every scenario. */
export function alertCases(scenarios: readonly Scenario[]): readonly NamedCase[] {
  return scenarios.flatMap((scenario) => scenario.alerts.map((alert) => ({ alert, scenario })));
}

/** The case with what was recorded. */
export function recordedCase({ alert, scenario }: NamedCase): AlertCase {
  return { alert, recording: keptRecording(scenario), pace: scenario.pace ?? PACE };
}

/** What is missing: alerts that no scenario is for, and alerts of scenarios that no rule has. */
export function coverageFaults(alerts: readonly string[], scenarios: readonly Scenario[]): readonly string[] {
  const cases = alertCases(scenarios);
  const uncovered = alerts.filter((alert) => !cases.some((one) => one.alert === alert));
  const unknown = cases.filter(({ alert }) => !alerts.includes(alert));
  return [
    ...uncovered.map((alert) => `${alert}: no scenario makes it fire`),
    ...unknown.map(({ alert, scenario }) => `${alert}: "${scenario.name}" is for it, and no rule has it`),
  ];
}
