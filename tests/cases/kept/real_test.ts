import assert from "node:assert/strict";
import { locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { testWith } from "../../run/parts.ts";
import { keptCases, runKeptCase } from "./kept_cases.ts";

testWith("nodes", "what is kept in the real cluster", async (test) => {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  await using cluster = await startControlPlane(binaries, { nodes: false });
  for (const one of keptCases) await test.step(one.name, () => runKeptCase(cluster.kubeconfigPath, one));
});
