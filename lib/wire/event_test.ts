import assert from "node:assert/strict";
import {
  FIELD_PATH_MAX,
  FIELDS_MAX,
  NewAgentEvent,
  REASON_MAX,
  REPORT_REASONS,
  RESULTS_MAX,
  WARNING_MAX_LENGTH,
  WARNINGS_MAX,
  YIELDED_MAX,
} from "./event.ts";

const AGENT = "00000000-0000-4000-8000-000000000001";
const AT = "2026-01-01T00:00:00Z";

function isTaken(report: Partial<NewAgentEvent>): boolean {
  return NewAgentEvent.safeParse({ agent_id: AGENT, state: "applied", ...report }).success;
}

function withFields(fields: string[]): Partial<NewAgentEvent> {
  return { results: [{ kind: "ConfigMap", name: "a", action: "configured", fields }] };
}

Deno.test("NewAgentEvent takes as much as its limits say, and nothing beyond", () => {
  const result = { kind: "ConfigMap", name: "a", action: "kept" } as const;
  const yielded = { path: ".spec.replicas", manager: "autoscaler" };
  const limits: readonly [max: number, (length: number) => Partial<NewAgentEvent>][] = [
    [RESULTS_MAX, (length) => ({ results: Array.from({ length }, () => result) })],
    [YIELDED_MAX, (length) => ({ yielded: Array.from({ length }, () => yielded) })],
    [WARNINGS_MAX, (length) => ({ warnings: Array.from({ length }, () => "left out") })],
    [WARNING_MAX_LENGTH, (length) => ({ warnings: ["w".repeat(length)] })],
    [FIELDS_MAX, (length) => withFields(Array.from({ length }, () => ".data"))],
    [FIELD_PATH_MAX, (length) => withFields([".".repeat(length)])],
    [REASON_MAX, (length) => ({ reason: "r".repeat(length) })],
    [REASON_MAX, (length) => ({ health: { status: "degraded", reason: "r".repeat(length), at: AT } })],
  ];

  const taken = limits.map(([max, report]) => [isTaken(report(max)), isTaken(report(max + 1))]);

  assert.deepEqual(taken, limits.map(() => [true, false]));
});

Deno.test("NewAgentEvent takes every reason of ours, and those of other versions", () => {
  const reasons = [...REPORT_REASONS, "in_the_way"];

  assert.deepEqual(reasons.filter((reason) => !isTaken({ reason })), []);
});
