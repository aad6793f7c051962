import assert from "node:assert/strict";
import { FIELD_MANAGER, type KubernetesObject, type ManagedFields } from "$lib/kubernetes.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { contested, Fights, managerOf, TAKEN_BACK_MAX } from "./fights.ts";

const FIELD = { path: "/spec/replicas", manager: "scaler" };
const HOUR_MS = 60 * 60 * 1_000;

/** Fights in which the field of object "d" was taken back so many times. */
function takenBack(times: number) {
  const clock = new ManualClock();
  const fights = new Fights(clock);
  for (let time = 0; time < times; time += 1) fights.takenBack("d", FIELD, "sum");
  return { clock, fights };
}

Deno.test("isLost() is true of what would be taken back a third time within an hour", () => {
  const lost = [0, 1, 2, 3].map((times) => takenBack(times).fights.isLost("d", FIELD, "sum"));

  assert.deepEqual(lost, [false, false, true, true]);
});

Deno.test("isLost() looks at object, field, manager and manifest", () => {
  const { fights } = takenBack(TAKEN_BACK_MAX);
  const others = [
    fights.isLost("e", FIELD, "sum"),
    fights.isLost("d", { ...FIELD, manager: "other" }, "sum"),
    fights.isLost("d", { ...FIELD, path: "/spec/paused" }, "sum"),
    fights.isLost("d", FIELD, "other"),
  ];

  assert.deepEqual(others, [false, false, false, false]);
});

Deno.test("isLost() does not count what is an hour ago, be the object fought over since or not", async () => {
  const { clock, fights } = takenBack(1);
  await clock.advance(HOUR_MS / 2);
  fights.takenBack("d", FIELD, "sum");
  const within = fights.isLost("d", FIELD, "sum");
  await clock.advance(HOUR_MS / 2);

  const since = fights.isLost("d", FIELD, "sum");
  fights.takenBack("d", FIELD, "sum");
  const again = fights.isLost("d", FIELD, "sum");
  await clock.advance(HOUR_MS);

  assert.deepEqual([within, since, again, fights.isLost("d", FIELD, "sum")], [true, false, true, false]);
});

Deno.test("takenBack() begins anew with another manifest", () => {
  const { fights } = takenBack(TAKEN_BACK_MAX);

  fights.takenBack("d", FIELD, "other");

  assert.deepEqual([fights.isLost("d", FIELD, "other"), fights.isLost("d", FIELD, "sum")], [false, false]);
});

function entry(manager: string, time: string, fieldsV1: unknown, more: Partial<ManagedFields> = {}): ManagedFields {
  return { manager, operation: "Update", time, fieldsV1, ...more };
}

function objectOf(...managedFields: readonly ManagedFields[]): KubernetesObject {
  const metadata = { name: "d", managedFields };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas: 5 } };
}

const REPLICAS = { "f:spec": { "f:replicas": {} } };
const OWN = entry(FIELD_MANAGER, "2025-01-02T00:00:00Z", REPLICAS, { operation: "Apply" });

Deno.test("managerOf() is the last of those who own the field, ourselves aside, by whatever subresource", () => {
  const live = objectOf(
    entry("old", "2025-01-01T00:00:00Z", REPLICAS),
    entry("scaler", "2025-01-03T00:00:00Z", REPLICAS, { subresource: "scale" }),
    entry("other", "2025-01-04T00:00:00Z", { "f:spec": { "f:paused": {} } }),
    OWN,
  );

  assert.equal(managerOf(live, "/spec/replicas"), "scaler");
});

Deno.test("managerOf() a field that is gone is who wrote the object last since we did", () => {
  const before = entry("early", "2025-01-01T00:00:00Z", {});
  const status = entry("kubelet", "2025-01-09T00:00:00Z", {}, { subresource: "status" });

  assert.equal(managerOf(objectOf(before, OWN, status), "/spec/paused"), undefined);
  assert.equal(managerOf(objectOf(before, OWN, entry("remover", OWN.time ?? "", {})), "/spec/paused"), "remover");
});

Deno.test("contested() are fields that a program set; people are never yielded to", () => {
  const fields = [{ path: "spec.replicas", pointer: "/spec/replicas" }];
  const by = (manager: string) => objectOf(entry(manager, "2025-01-03T00:00:00Z", REPLICAS), OWN);
  const rules = { formerManagers: ["old-tool"] };

  assert.deepEqual(contested(by("scaler"), fields, rules), [FIELD]);
  assert.deepEqual(contested(by("scaler"), fields, { ...rules, force: "always" }), []);
  for (const manager of ["kubectl-edit", "kubectl", "helm", "old-tool"]) {
    assert.deepEqual(contested(by(manager), fields, rules), []);
  }
});
