import assert from "node:assert/strict";
import { marksOf } from "./marks.ts";

const OWNER = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "u1" };
const META = { labels: { a: "1", b: "2" }, annotations: { c: "3", d: "4" }, ownerReferences: [OWNER] };

Deno.test("marksOf() is a short digest that does not depend on any order", () => {
  const other = { apiVersion: "v1", kind: "Node", name: "n", uid: "u2" };
  const meta = { ...META, ownerReferences: [OWNER, other] };

  const turned = marksOf({
    labels: { b: "2", a: "1" },
    annotations: { d: "4", c: "3" },
    ownerReferences: [other, OWNER],
  });

  assert.match(marksOf(meta), /^[0-9a-f]{12}$/);
  assert.equal(turned, marksOf(meta));
});

const CHANGES = {
  "a label's value": { ...META, labels: { a: "1", b: "3" } },
  "a label more": { ...META, labels: { ...META.labels, c: "3" } },
  "a label less": { ...META, labels: { a: "1" } },
  "an annotation's value": { ...META, annotations: { c: "3", d: "5" } },
  "an annotation that is a label now": { ...META, labels: { ...META.labels, c: "3" }, annotations: { d: "4" } },
  "an owner's uid": { ...META, ownerReferences: [{ ...OWNER, uid: "u2" }] },
  "an owner less": { ...META, ownerReferences: [] },
  "a finalizer more": { ...META, finalizers: ["example.com/hold"] },
};
for (const [what, meta] of Object.entries(CHANGES)) {
  Deno.test(`marksOf() changes with ${what}`, () => {
    assert.notEqual(marksOf(meta), marksOf(META));
  });
}

Deno.test("marksOf() takes what is empty and what is absent for the same", () => {
  assert.equal(marksOf({ labels: {}, annotations: {}, ownerReferences: [], finalizers: [] }), marksOf({}));
});

Deno.test("marksOf() does not depend on the order of finalizers, nor on those of Kubernetes", () => {
  const kubernetes = [
    "foregroundDeletion",
    "kubernetes.io/pvc-protection",
    "customresourcecleanup.apiextensions.k8s.io",
  ];

  assert.equal(marksOf({ finalizers: ["b.c/d", "a.b/c"] }), marksOf({ finalizers: ["a.b/c", ...kubernetes, "b.c/d"] }));
  assert.notEqual(marksOf({ finalizers: ["not-kubernetes.io/x"] }), marksOf({}));
});

for (const name of ["deployment.kubernetes.io/revision", "pv.kubernetes.io/bind-completed"]) {
  Deno.test(`marksOf() does not change with a controller's annotation ${name}`, () => {
    assert.equal(marksOf({ ...META, annotations: { ...META.annotations, [name]: "7" } }), marksOf(META));
  });
}
