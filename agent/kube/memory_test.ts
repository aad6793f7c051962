import assert from "node:assert/strict";
import type { ObjectMeta } from "$lib/kubernetes.ts";
import type { Desired } from "./desired.ts";
import { createAppliedMemory, hasSameFields, isAsLeft, isWrittenByOthers } from "./memory.ts";

const META: ObjectMeta = {
  name: "a",
  uid: "u1",
  resourceVersion: "5",
  generation: 1,
  labels: { app: "a", other: "x" },
  annotations: { "brokkr.io/manifest-checksum": "c" },
};
const DESIRED = {
  checksum: "c",
  object: { metadata: { name: "a", labels: { app: "a" }, annotations: META.annotations } },
} as unknown as Desired;

Deno.test("isAsLeft() holds while nobody wrote, and while neither generation nor our labels changed", () => {
  assert.ok(isAsLeft(DESIRED, META, META));
  assert.ok(isAsLeft(DESIRED, { ...META, resourceVersion: "6" }, META));
});

const CHANGES: Readonly<Record<string, Partial<ObjectMeta>>> = {
  "the object is another one": { uid: "u2" },
  "the specification changed": { resourceVersion: "6", generation: 2 },
  "a label of the manifest changed": { resourceVersion: "6", labels: { app: "b" } },
  "it was applied from another manifest": { annotations: { "brokkr.io/manifest-checksum": "d" } },
};
for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test(`isAsLeft() does not hold when ${what}`, () => {
    assert.equal(isAsLeft(DESIRED, { ...META, ...change }, META), false);
  });
}

Deno.test("isAsLeft() does not hold for kinds without a generation as soon as anybody wrote", () => {
  const before = { ...META, generation: undefined };

  assert.equal(isAsLeft(DESIRED, { ...before, resourceVersion: "6" }, before), false);
});

Deno.test("isAsLeft() does not hold for what this process has never seen", () => {
  assert.equal(isAsLeft(DESIRED, META, undefined), false);
});

function managed(...entries: readonly NonNullable<ObjectMeta["managedFields"]>[number][]): ObjectMeta {
  return { name: "a", managedFields: entries };
}

const OURS = { manager: "brokkr-controller", operation: "Apply", time: "t1", fieldsV1: { "f:data": { "f:a": {} } } };

Deno.test("hasSameFields() compares our own entry, and only that", () => {
  const before = managed(OURS, { manager: "kubectl", operation: "Update", time: "t2" });

  assert.ok(hasSameFields(before, managed(OURS)));
  assert.equal(hasSameFields(before, managed({ ...OURS, time: "t3" })), false);
  assert.equal(hasSameFields(before, managed({ ...OURS, fieldsV1: { "f:data": { "f:a": {}, "f:b": {} } } })), false);
  assert.equal(hasSameFields(managed(), managed()), false);
});

Deno.test("isWrittenByOthers() passes over a status", () => {
  const status = { manager: "kube-controller-manager", operation: "Update", subresource: "status" };

  assert.equal(isWrittenByOthers(managed(OURS, status)), false);
  assert.equal(isWrittenByOthers(managed(OURS, { manager: "kubectl", operation: "Update" })), true);
});

Deno.test("createAppliedMemory() forgets what a stack has no more", () => {
  const memory = createAppliedMemory();
  memory.set("s", "a", META);
  memory.set("s", "b", META);

  memory.retain("s", new Set(["b"]));

  assert.deepEqual([memory.get("s", "a"), memory.get("s", "b")?.uid], [undefined, "u1"]);
});
