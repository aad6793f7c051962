import assert from "node:assert/strict";
import { FIELD_MANAGER, type KubernetesObject, type ManagedFields } from "$lib/kubernetes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { contested, Fights, managerOf, TAKEN_BACK_MAX } from "./fights.ts";

const FIELD = { path: "/spec/replicas", manager: "scaler" };
const HOUR_MS = 60 * 60 * 1_000;

Deno.test("takenBack() yields a field at the third time within an hour", () => {
  const fights = new Fights(new ManualClock());
  const answers = Array.from({ length: TAKEN_BACK_MAX }, () => fights.takenBack("d", FIELD, "sum"));

  assert.deepEqual(answers, [undefined, undefined, FIELD]);
  assert.deepEqual(fights.yielded("d", "sum"), [FIELD]);
});

Deno.test("takenBack() counts by object, field and manager", () => {
  const fights = new Fights(new ManualClock());
  const others = [["e", FIELD], ["d", { ...FIELD, manager: "other" }], ["d", {
    ...FIELD,
    path: "/spec/paused",
  }]] as const;

  fights.takenBack("d", FIELD, "sum");
  fights.takenBack("d", FIELD, "sum");

  for (const [key, field] of others) assert.equal(fights.takenBack(key, field, "sum"), undefined);
});

Deno.test("takenBack() does not count what is an hour ago", async () => {
  const clock = new ManualClock();
  const fights = new Fights(clock);
  fights.takenBack("d", FIELD, "sum");
  await clock.advance(HOUR_MS / 2);
  fights.takenBack("d", FIELD, "sum");
  await clock.advance(HOUR_MS / 2);

  assert.equal(fights.takenBack("d", FIELD, "sum"), undefined);
  assert.deepEqual(fights.takenBack("d", FIELD, "sum"), FIELD);
});

Deno.test("yielded() ends with the manifest, and so does what was counted", () => {
  const fights = new Fights(new ManualClock());
  for (let times = 0; times < TAKEN_BACK_MAX; times += 1) fights.takenBack("d", FIELD, "sum");

  assert.deepEqual(fights.yielded("d", "other"), []);
  assert.equal(fights.takenBack("d", FIELD, "other"), undefined);
  assert.deepEqual(fights.yielded("d", "sum"), []);
});

Deno.test("recall() goes on with what the record says, once", () => {
  const fights = new Fights(new ManualClock());

  fights.recall("d", [FIELD], "sum");
  fights.recall("d", [FIELD], "sum");

  assert.deepEqual(fights.yielded("d", "sum"), [FIELD]);
  fights.forget("d");
  assert.deepEqual(fights.yielded("d", "sum"), []);
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
