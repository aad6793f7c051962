/**
 * `deno task cluster FILE`: a real control plane on loopback until Ctrl-C, with a kubeconfig for its admin in FILE.
 * `deno task setup` builds what it runs.
 */
import { messageOf } from "$lib/error.ts";
import { findControlPlane, startControlPlane } from "./control_plane.ts";

Deno.exit(await main(Deno.args));

async function main([path, ...rest]: readonly string[]): Promise<number> {
  if (path === undefined || rest.length > 0) {
    console.error("Say where to write the kubeconfig, and nothing else: deno task cluster FILE");
    return 1;
  }
  try {
    await serve(path);
    return 0;
  } catch (error) {
    console.error(`The cluster failed: ${messageOf(error)}`);
    return 1;
  }
}

async function serve(path: string): Promise<void> {
  const signalled = endingSignal();
  const binaries = await findControlPlane();
  if (binaries === undefined) throw new Error('it is not on this machine; "deno task setup" builds it');
  await using control = await startControlPlane(binaries);
  await Deno.writeTextFile(path, await Deno.readTextFile(control.kubeconfigPath), { mode: 0o600 });
  console.log(`Ready: kubectl --kubeconfig ${path} get nodes`);
  await signalled;
  await Deno.remove(path);
}

function endingSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve());
  });
}
