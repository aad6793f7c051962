import { startSimulatedCluster } from "../fakes/cluster/mod.ts";
import { findControlPlane, startControlPlane } from "../cluster/control_plane.ts";
import { FROM_GLOBAL_CACHE } from "../run/packages.ts";
import type { ClusterChoice } from "./options.ts";

/** The cluster that the demo delivers to. */
export interface DemoCluster extends AsyncDisposable {
  /** For people: what it is. */
  readonly description: string;
  readonly kubeconfigPath: string;
  /** Whether it was there before the demo and stays after it. */
  readonly isTheUsers: boolean;
}

/** Starts, builds first where it must, or names the cluster that was chosen. */
export async function openCluster(choice: ClusterChoice, say: (line: string) => void): Promise<DemoCluster> {
  if (typeof choice === "object") return usersCluster(choice.kubeconfigPath);
  return choice === "real" ? await realCluster(say) : await simulatedCluster();
}

async function usersCluster(kubeconfigPath: string): Promise<DemoCluster> {
  await Deno.stat(kubeconfigPath);
  const description = `the cluster of ${kubeconfigPath}`;
  return { description, kubeconfigPath, isTheUsers: true, [Symbol.asyncDispose]: async () => {} };
}

async function simulatedCluster(): Promise<DemoCluster> {
  const cluster = await startSimulatedCluster();
  const description = `a simulated cluster at ${cluster.url}`;
  return {
    description,
    kubeconfigPath: cluster.kubeconfigPath,
    isTheUsers: false,
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

async function realCluster(say: (line: string) => void): Promise<DemoCluster> {
  const binaries = await findControlPlane() ?? await builtControlPlane(say);
  const control = await startControlPlane(binaries);
  const description = `a real control plane at ${control.url}`;
  return {
    description,
    kubeconfigPath: control.kubeconfigPath,
    isTheUsers: false,
    [Symbol.asyncDispose]: () => control.stop(),
  };
}

async function builtControlPlane(say: (line: string) => void) {
  say("building a real control plane (several minutes, once)");
  const setup = new URL("../setup/main.ts", import.meta.url);
  const args = ["run", FROM_GLOBAL_CACHE, "-A", setup.pathname];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  const binaries = await findControlPlane();
  if (!success || binaries === undefined) throw new Error("Cannot start a real control plane: it could not be built");
  return binaries;
}
