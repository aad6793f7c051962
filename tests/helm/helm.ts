import { cacheFolder } from "../cluster/binaries.ts";
import { locateKept } from "../setup/kept.ts";

/** The Helm that `deno task setup` brings. */
export const HELM_VERSION = "4.1.4";
/** The kubectl that comes with it. */
const KUBECTL_VERSION = "1.33.9";

/** How a call of Helm ended. */
export interface HelmAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where Helm and kubectl are kept once `deno task setup` has them. */
export function helmFolder(): string {
  return `${cacheFolder()}/helm-${HELM_VERSION}-kubectl-${KUBECTL_VERSION}`;
}

/** The path of `helm`; `undefined` when it is not on this machine. Only looks whether the file exists. */
export function locateHelm(): string | undefined {
  return locateKept(`${helmFolder()}/helm`);
}

/**
 * Runs Helm to its end, as if nobody had configured it: its homes are in an empty folder that is removed afterwards.
 * A cluster is reached by the arguments (`--kubeconfig`) alone.
 *
 * @throws When it is not on this machine; a failure of Helm's own is an answer.
 */
export function helm(args: readonly string[]): Promise<HelmAnswer> {
  return run("helm", args);
}

/** The same of the kubectl that comes with it, which is told the text. */
export function kubectl(args: readonly string[], text: string): Promise<HelmAnswer> {
  return run("kubectl", args, text);
}

async function run(name: "helm" | "kubectl", args: readonly string[], text = ""): Promise<HelmAnswer> {
  if (locateHelm() === undefined) throw new Error("Cannot run Helm: it is not on this machine");
  const home = await Deno.makeTempDir({ prefix: "brokkr-helm-" });
  try {
    const env = { HOME: home, PATH: Deno.env.get("PATH") ?? "" };
    const process = new Deno.Command(`${helmFolder()}/${name}`, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      clearEnv: true,
      env,
    }).spawn();
    const writing = new Blob([text]).stream().pipeTo(process.stdin).catch(() => {}); // it may end without having read
    const { code, stdout, stderr } = await process.output();
    await writing;
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
