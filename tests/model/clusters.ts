import { type SimulatedCluster, startSimulatedCluster } from "../fakes/cluster/mod.ts";
import { findControlPlane, startControlPlane } from "../cluster/control_plane.ts";
import type { ModelCluster } from "./model_world.ts";

/** The simulated cluster under a run. */
export async function simulatedCluster(): Promise<ModelCluster & AsyncDisposable> {
  const cluster: SimulatedCluster = await startSimulatedCluster({ controllerDelayMs: 1 });
  const { url, kubeconfigPath } = cluster;
  return { url, kubeconfigPath, token: "simulated", isReal: false, [Symbol.asyncDispose]: () => cluster.stop() };
}

/** A real control plane under a run, with its controllers. */
export async function realCluster(): Promise<ModelCluster & AsyncDisposable> {
  const binaries = await findControlPlane();
  if (binaries === undefined) throw new Error("Cannot start a control plane: it is not on this machine");
  const plane = await startControlPlane(binaries, { nodes: false });
  const { url, token, caPath, kubeconfigPath } = plane;
  return {
    ...{ url, token, caPath, kubeconfigPath, isReal: true },
    restart: { stop: () => plane.stopApiServer(), start: () => plane.startApiServer() },
    [Symbol.asyncDispose]: () => plane.stop(),
  };
}
