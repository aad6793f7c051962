import assert from "node:assert/strict";
import { judgeBundle } from "./bundle_verdict.ts";

Deno.test("judgeBundle() says whether there are manifests, and sends none", () => {
  const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

  assert.deepEqual(judgeBundle(configMap), { hasManifests: true, faults: [], furtherFaults: 0 });
  assert.deepEqual(judgeBundle("# nothing\n"), { hasManifests: false, faults: [], furtherFaults: 0 });
});

Deno.test("judgeBundle() names the first hundred faults and counts the rest", () => {
  const { hasManifests, faults, furtherFaults } = judgeBundle("- no mapping\n---\n".repeat(250));

  assert.deepEqual([hasManifests, faults.length, furtherFaults], [false, 100, 150]);
  assert.deepEqual(faults.at(-1)?.document, 100);
});
