import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { watchCases } from "./watch_cases.ts";
import { openWatchWorld } from "./watch_world.ts";

Deno.test("what was applied is watched on the simulated cluster", async (test) => {
  await using cluster = await startSimulatedCluster({ controllerDelayMs: 10 });
  for (const { name, skipOn, run } of watchCases) {
    await test.step({
      name,
      ignore: skipOn?.simulated !== undefined,
      fn: async () => {
        await using world = await openWatchWorld(cluster.kubeconfigPath);
        await run(world);
      },
    });
  }
});
