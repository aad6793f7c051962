import assert from "node:assert/strict";
import { locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { testWith } from "../../run/parts.ts";
import { runCases } from "./mod.ts";

testWith("control plane", "comparing, folding, leaving out and replacing on the real cluster", async (test) => {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  await using cluster = await startControlPlane(binaries, { controllers: false });
  await runCases(test, { kubeconfigPath: cluster.kubeconfigPath, kind: "real" });
});
