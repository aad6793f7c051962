import assert from "node:assert/strict";
import { oldHealthOf, readOldHealth, worstOf } from "./old_health.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const AT = "2026-01-01T00:00:00+00:00";

Deno.test("oldHealthOf() says failing of what is degraded and failed, and nothing of a silent agent's", () => {
  const words = [
    { state: "failed", health: "degraded", isStale: false },
    { state: "applied", health: "degraded", isStale: false },
    { state: "failed", health: "progressing", isStale: false },
    { state: "applied", health: "healthy", isStale: false },
    { state: "applied", health: "healthy", isStale: true },
    { state: "failed", health: "degraded", isStale: true },
    { state: "applied", isStale: false },
  ] as const;

  assert.deepEqual(words.map(oldHealthOf), [
    ...["failing", "degraded", "degraded", "healthy", "unknown", "unknown", "unknown"],
  ]);
});

Deno.test("worstOf() is the worst there is, unknown worse than healthy, and unknown of none", () => {
  const sets = [["healthy", "unknown"], ["degraded", "failing"], ["healthy"], []] as const;

  assert.deepEqual(sets.map(worstOf), ["unknown", "failing", "healthy", "unknown"]);
});

Deno.test("readOldHealth() reads each word of existing agents, and refuses every other one", () => {
  const summary = { pods_ready: 1, pods_total: 3, conditions: [] };
  const read = (status: string) => readOldHealth({ id: ID, status, checked_at: AT, summary });

  assert.deepEqual(["failing", "degraded", "unknown", "healthy"].map((status) => read(status).status), [
    ...["degraded", "degraded", "unknown", "healthy"],
  ]);
  assert.deepEqual([read("failing").reason, read("healthy").reason], ["1 of 3 pods ready", undefined]);
  for (const status of ["", "Healthy", "progressing"]) {
    assert.throws(() => read(status), { code: "invalid_health_record" }, status);
  }
});

Deno.test("readOldHealth() keeps as much of the conditions as a reason may be long", () => {
  const summary = { pods_ready: 0, pods_total: 1, conditions: ["ImagePullBackOff", "x".repeat(1_000)] };

  const { reason = "" } = readOldHealth({ id: ID, status: "degraded", checked_at: AT, summary });

  assert.ok(reason.startsWith("ImagePullBackOff, xxx") && reason.length <= 255, `${reason.length}`);
});
