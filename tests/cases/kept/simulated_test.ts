import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { keptCases, runKeptCase } from "./kept_cases.ts";

Deno.test("what is kept in the simulated cluster", async (test) => {
  await using cluster = await startSimulatedCluster();
  for (const one of keptCases) await test.step(one.name, () => runKeptCase(cluster.kubeconfigPath, one));
});
