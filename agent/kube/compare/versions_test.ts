import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { FIELD_MANAGER, type KubernetesObject, type ManagedFields } from "$lib/kubernetes.ts";
import { isVersionFailure, repairVersions } from "./versions.ts";

function objectOf(...managedFields: readonly ManagedFields[]): KubernetesObject {
  return { apiVersion: "a.example/v1", kind: "A", metadata: { name: "a", managedFields } };
}

function entry(apiVersion: string, manager = "controller", operation = "Update"): ManagedFields {
  return { manager, operation, apiVersion, fieldsV1: { "f:spec": {} } };
}

const own = (apiVersion: string) => entry(apiVersion, FIELD_MANAGER, "Apply");
const VERSIONS = { apiVersion: "a.example/v1", served: (one: string) => one !== "a.example/v1beta1" };

Deno.test("repairVersions() says that ours, and what is served still, is of the version now applied", () => {
  const live = objectOf(own("a.example/v1beta1"), entry("a.example/v2"));

  assert.deepEqual(repairVersions(live, VERSIONS), [own("a.example/v1"), entry("a.example/v1")]);
});

Deno.test("repairVersions() drops others' entries of versions that are no more", () => {
  const live = objectOf(own("a.example/v1"), entry("a.example/v1beta1"), entry("a.example/v1", "other"));

  assert.deepEqual(repairVersions(live, VERSIONS), [own("a.example/v1"), entry("a.example/v1", "other")]);
});

Deno.test("repairVersions() leaves alone what another group says, which the API server converts itself", () => {
  assert.equal(repairVersions(objectOf(own("a.example/v1"), entry("extensions/v1beta1")), VERSIONS), undefined);
});

Deno.test("repairVersions() has nothing to repair where all is of the version now applied", () => {
  assert.equal(repairVersions(objectOf(own("a.example/v1")), VERSIONS), undefined);
});

for (
  const { message, expected } of [
    {
      message: "failed to prune fields: failed to convert merged object to last applied version: .b: x",
      expected: true,
    },
    { message: "failed to convert new object: .spec.b: field not declared in schema", expected: true },
    { message: "request to convert CR to an invalid group/version: a.example/v1beta1", expected: true },
    { message: "failed to create typed patch object (a/b; /v1, Kind=Secret): x", expected: false },
    { message: "admission webhook denied the request", expected: false },
  ]
) {
  Deno.test(`isVersionFailure() says ${expected} of "${message}"`, () => {
    const failures = ["kubernetes_rejected", "kubernetes_unavailable"] as const;

    for (const code of failures) {
      assert.equal(isVersionFailure(new Failure(code, "x", { details: { status: 500, message } })), expected);
    }
    assert.equal(isVersionFailure(new Error(message)), false);
  });
}
