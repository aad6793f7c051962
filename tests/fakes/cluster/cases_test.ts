import { clusterCases } from "../../cases/cluster/mod.ts";
import { startSimulatedCluster } from "./mod.ts";

Deno.test("the simulated cluster", async (test) => {
  await using cluster = await startSimulatedCluster({ token: "secret", controllerDelayMs: 10 });
  const { url } = cluster;
  const authorized = {
    url,
    fetch: (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set("authorization", "Bearer secret");
      return fetch(`${url}${path}`, { ...init, headers });
    },
  };
  for (const { name, skipOn, run } of clusterCases) {
    await test.step({ name, ignore: skipOn?.simulated !== undefined, fn: () => run(authorized) });
  }
});
