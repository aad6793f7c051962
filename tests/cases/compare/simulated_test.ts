import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { runCases } from "./mod.ts";

Deno.test("comparing, folding, leaving out and replacing on the simulated cluster", async (test) => {
  await using cluster = await startSimulatedCluster({ controllerDelayMs: 10 });
  await runCases(test, { kubeconfigPath: cluster.kubeconfigPath, kind: "simulated" });
});
