import assert from "node:assert/strict";
import { locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { testWith } from "../../run/parts.ts";
import { reconcileCases } from "./mod.ts";
import { openWorld } from "./world.ts";

testWith("nodes", "an agent's work on the real cluster", async (test) => {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  await using cluster = await startControlPlane(binaries, { nodes: false });
  for (const { name, skipOn, run } of reconcileCases) {
    await test.step({
      name,
      ignore: skipOn?.real !== undefined,
      fn: async () => {
        using world = await openWorld(cluster.kubeconfigPath);
        await run(world);
      },
    });
  }
});
