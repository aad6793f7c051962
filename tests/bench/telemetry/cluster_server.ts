/**
 * The simulated cluster, a process of its own: says its port on standard output, and ends with standard input.
 *
 * usage: deno run -A tests/bench/telemetry/cluster_server.ts
 */
import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";

async function main(): Promise<number> {
  await using cluster = await startSimulatedCluster({ historyLimit: 1_000 });
  console.log(new URL(cluster.url).port);
  await Deno.stdin.readable.pipeTo(new WritableStream());
  return 0;
}

if (import.meta.main) Deno.exit(await main());
