import assert from "node:assert/strict";
import { manifestFaults, manifestsOf } from "./manifests.ts";

function faultsOf(apiVersion: string): readonly string[] {
  return manifestFaults({ value: { apiVersion, kind: "ConfigMap", metadata: { name: "a" } }, path: "" });
}

Deno.test("manifestFaults() refuses an apiVersion by which a path would lead elsewhere", () => {
  const fault = 'apiVersion must be a version, or a group and a version, such as "v1" or "apps/v1"';

  for (const version of ["v1?x=y", "apps/v1#", "apps/v1/x", "../v1", "apps/..", "/v1", "v1/", "apps /v1", "v1%2f"]) {
    assert.deepEqual(faultsOf(version), [fault], version);
  }
  for (const version of ["v1", "apps/v1", "a-b.c.example/v1beta2", "1.x.example/v1-a"]) {
    assert.deepEqual(faultsOf(version), [], version);
  }
});

Deno.test("manifestsOf() takes a list apart of more items than a call takes arguments", () => {
  const items = Array.from({ length: 250_000 }, (_, index) => index);

  const found = manifestsOf({
    ...{ text: "", faults: [], offset: 0, itemOffsets: new Map() },
    value: { apiVersion: "v1", kind: "List", items },
  });

  assert.deepEqual([found.length, found[7]?.path, found[7]?.value], [250_000, "items[7]", 7]);
});
