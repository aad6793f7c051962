/** Writes a kubeconfig for a plain-HTTP server and a token into a temporary file (of `dir`), and returns its path. */
export async function writeKubeconfig(
  server: string,
  token: string,
  { dir }: { readonly dir?: string } = {},
): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "simulated-cluster-", suffix: ".kubeconfig", dir });
  const name = "simulated";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  await Deno.writeTextFile(path, JSON.stringify(config, undefined, 2));
  return path;
}
