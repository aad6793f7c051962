import assert from "node:assert/strict";
import type { ObjectMeta } from "$lib/kubernetes.ts";
import { type Compared, isAsCompared, seenState } from "./drift.ts";
import { marksOf } from "../records/marks.ts";

const META: ObjectMeta = {
  name: "web",
  uid: "u1",
  resourceVersion: "10",
  generation: 2,
  labels: { app: "web" },
  annotations: { note: "1" },
};
const COMPARED: Compared = { stackId: "s", uid: "u1", generation: 2, marks: marksOf(META) };
const OUR_FIELDS = { "f:data": { "f:a": {} } };
const OURS = { manager: "brokkr-controller", operation: "Apply", apiVersion: "v1", time: "1", fieldsV1: OUR_FIELDS };
const PERSON = { manager: "kubectl-edit", operation: "Update", apiVersion: "v1", time: "1" };
const STATUS = { manager: "kubelet", operation: "Update", subresource: "status", apiVersion: "v1", time: "1" };
const PLAIN: ObjectMeta = { ...META, generation: undefined, managedFields: [OURS, STATUS] };

const DRIFTS: Readonly<Record<string, [before: ObjectMeta, after: ObjectMeta]>> = {
  "the generation": [META, { ...META, generation: 3 }],
  "a label": [META, { ...META, labels: { app: "other" } }],
  "an annotation": [META, { ...META, annotations: {} }],
  "an owner": [META, { ...META, ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n", uid: "u" }] }],
  "a finalizer": [META, { ...META, finalizers: ["example.com/hold"] }],
  "the deletion": [META, { ...META, deletionTimestamp: "2026-01-01T00:00:00Z" }],
  "the object itself": [META, { ...META, uid: "u2" }],
  "a person's write of a kind without a generation": [PLAIN, { ...PLAIN, managedFields: [OURS, PERSON, STATUS] }],
  "the same person's next write": [
    { ...PLAIN, managedFields: [OURS, PERSON] },
    { ...PLAIN, managedFields: [OURS, { ...PERSON, time: "2" }] },
  ],
  "a field less that is ours": [PLAIN, { ...PLAIN, managedFields: [{ ...OURS, fieldsV1: {} }, STATUS] }],
  "the version of what has no managed fields": [
    { ...META, generation: undefined },
    { ...META, generation: undefined, resourceVersion: "11" },
  ],
};
for (const [what, [before, after]] of Object.entries(DRIFTS)) {
  Deno.test(`the digest of what was seen changes with ${what}`, () => {
    assert.notEqual(seenState(after).digest, seenState(before).digest);
  });
}

Deno.test("the digest of what was seen does not change with the status", () => {
  const later = [{ ...META, resourceVersion: "11" }, {
    ...PLAIN,
    resourceVersion: "11",
    managedFields: [{ ...STATUS, time: "2" }, OURS],
  }];

  assert.deepEqual(later.map((meta) => seenState(meta).digest), [META, PLAIN].map((meta) => seenState(meta).digest));
});

Deno.test("isAsCompared() knows what was written or compared last, by generation and marks", () => {
  const is = (meta: ObjectMeta, compared = COMPARED) => isAsCompared(compared, seenState(meta));

  assert.equal(is({ ...META, resourceVersion: "99" }), true);
  assert.equal(is({ ...META, generation: 3 }), false);
  assert.equal(is({ ...META, labels: {} }), false);
  assert.equal(is({ ...META, uid: "u2" }), false);
  assert.equal(is({ ...META, deletionTimestamp: "2026-01-01T00:00:00Z" }), false);
  assert.equal(is(META, { ...COMPARED, uid: undefined }), false);
});

Deno.test("isAsCompared() takes what was there before the last comparison for settled", () => {
  assert.equal(isAsCompared({ ...COMPARED, generation: 3 }, seenState({ ...META, labels: {} })), true);
});

Deno.test("isAsCompared() knows a kind without a generation by its version", () => {
  const compared = { stackId: "s", uid: "u1", resourceVersion: "10" };

  assert.equal(isAsCompared(compared, seenState(PLAIN)), true);
  assert.equal(isAsCompared(compared, seenState({ ...PLAIN, resourceVersion: "11" })), false);
  assert.equal(isAsCompared({ stackId: "s", uid: "u1" }, seenState(PLAIN)), false);
});
