import { helmFolder } from "../helm/helm.ts";
import type { ClusterHand } from "./cluster_hand.ts";

/** How a call of kubectl ended. */
export interface KubectlAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the kubectl that comes with Helm to its end, as if nobody had configured it but for the cluster; `input` is what
 * it reads of `-f -`. A failure of its own is an answer.
 */
export async function kubectl(
  { kubeconfigPath }: Pick<ClusterHand, "kubeconfigPath">,
  words: readonly string[],
  input = "",
): Promise<KubectlAnswer> {
  const home = await Deno.makeTempDir({ prefix: "brokkr-kubectl-" });
  try {
    const child = new Deno.Command(`${helmFolder()}/kubectl`, {
      args: [...words],
      ...{ stdin: "piped", stdout: "piped", stderr: "piped", clearEnv: true },
      env: { HOME: home, KUBECONFIG: kubeconfigPath },
    }).spawn();
    await new Blob([input]).stream().pipeTo(child.stdin);
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
