import assert from "node:assert/strict";
import { locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { testWith } from "../../run/parts.ts";
import { runOnReal } from "./real_parts.ts";
import { openWorld } from "./world.ts";

testWith("nodes", "an agent's work on the real cluster", (test) => {
  return runOnReal(test, async () => {
    const binaries = locateControlPlane();
    assert.ok(binaries);
    const cluster = await startControlPlane(binaries, { nodes: false });
    return {
      openWorld: () => openWorld(cluster.kubeconfigPath),
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  });
});
