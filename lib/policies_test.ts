import assert from "node:assert/strict";
import { labelFaults, readPolicies } from "$lib/policies.ts";

Deno.test("readPolicies() reads each policy, and passes over our marks and everybody else's annotations", () => {
  const { policies, faults } = readPolicies({
    "brokkr.io/prune": "disabled",
    "brokkr.io/apply": "if-absent",
    "brokkr.io/replace": "immutable",
    "brokkr.io/ignore": "/spec/replicas, /metadata/annotations/a~1b",
    "brokkr.io/force": "always",
    "brokkr.io/adopt": "own",
    "brokkr.io/owner-id": "x",
    "brokkr.io/manifest-checksum": "x",
    "brokkr.io/adopted": "true",
    "k8s.brokkr.io/stack": "x",
    "example.com/brokkr.io": "x",
  });

  assert.deepEqual([policies, faults], [{
    prune: "disabled",
    apply: "if-absent",
    replace: "immutable",
    ignore: ["/spec/replicas", "/metadata/annotations/a~1b"],
    force: "always",
    adopt: "own",
  }, []]);
});

Deno.test("readPolicies() names each annotation of ours that is no policy, and each value that a policy does not have", () => {
  const { policies, faults } = readPolicies({
    "brokkr.io/epoch": "x",
    "brokkr.io/prune": "enabled",
    "brokkr.io/apply": true,
    "brokkr.io/toString": "x",
    "brokkr.io/force": "",
  });

  assert.deepEqual(policies, {});
  assert.deepEqual(faults.map((fault) => fault.replace(/there are .*/, "…")), [
    'annotation "brokkr.io/epoch" is none of ours: …',
    'annotation "brokkr.io/prune" must be "disabled"',
    'annotation "brokkr.io/apply" must be "once" or "if-absent"',
    'annotation "brokkr.io/toString" is none of ours: …',
    'annotation "brokkr.io/force" must be "disabled" or "always"',
  ]);
});

Deno.test("a policy is refused as a label, and under the prefix of another annotation: who writes one so relies on it", () => {
  const annotations = { "k8s.brokkr.io/prune": "disabled", "k8s.brokkr.io/stack": "x", "k8s.brokkr.io/other": "x" };

  assert.deepEqual(readPolicies(annotations).faults, [
    'annotation "k8s.brokkr.io/prune" is no policy: write "brokkr.io/prune"',
  ]);
  assert.deepEqual(labelFaults({ "brokkr.io/prune": "disabled", "brokkr.io/team": "x" }), [
    'label "brokkr.io/prune" is no policy: write it as an annotation',
  ]);
});

Deno.test("readPolicies() refuses what is no JSON pointer, and pointers to what an object is found by or known as ours", () => {
  const identity = ["/metadata/name", "/kind", "/metadata", "/metadata/labels", "/metadata/annotations"];
  const ours = ["/metadata/annotations/k8s.brokkr.io~1stack", "/metadata/annotations/brokkr.io~1owner-id"];
  const lines = ["/spec/a\n/spec/b", "/metadata/labels/applyset.kubernetes.io~1part-of"];
  for (const ignore of ["", "spec", "/spec,", "/a~2", null, ["/spec"], ...identity, ...ours, ...lines]) {
    assert.equal(readPolicies({ "brokkr.io/ignore": ignore }).faults.length, 1, String(ignore));
  }
});

Deno.test("readPolicies() quotes no more than the beginning of a long name", () => {
  const [fault = ""] = readPolicies({ [`brokkr.io/${"x".repeat(10_000)}`]: "y" }).faults;

  assert.ok(fault.length < 250, fault);
});

Deno.test("labelFaults() names labels of the convention, but for the one that members carry", () => {
  const labels = { "applyset.kubernetes.io/part-of": "x", "applyset.kubernetes.io/id": "y", app: "z" };

  assert.deepEqual(labelFaults(labels), ['brings the label "applyset.kubernetes.io/id", which is ours']);
});
