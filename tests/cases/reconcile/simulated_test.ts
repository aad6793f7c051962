import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { reconcileCases } from "./mod.ts";
import { openWorld } from "./world.ts";

Deno.test("an agent's work on the simulated cluster", async (test) => {
  await using cluster = await startSimulatedCluster({ controllerDelayMs: 10 });
  for (const { name, skipOn, run } of reconcileCases) {
    await test.step({
      name,
      ignore: skipOn?.simulated !== undefined,
      fn: async () => {
        using world = await openWorld(cluster.kubeconfigPath);
        await run(world);
      },
    });
  }
});
