import assert from "node:assert/strict";
import { locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { testWith } from "../../run/parts.ts";
import { watchCases } from "./watch_cases.ts";
import { openWatchWorld } from "./watch_world.ts";

testWith("nodes", "what was applied is watched on the real cluster", async (test) => {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  await using cluster = await startControlPlane(binaries);
  for (const { name, skipOn, run } of watchCases) {
    await test.step({
      name,
      ignore: skipOn?.real !== undefined,
      fn: async () => {
        await using world = await openWatchWorld(cluster.kubeconfigPath);
        await run(world);
      },
    });
  }
});
