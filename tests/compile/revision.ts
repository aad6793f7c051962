/** The commit that is checked out at `root`, marked where files differ from it; `unknown` without git. */
export async function revisionOf(root: URL): Promise<string> {
  const commit = await git(root, "rev-parse", "HEAD");
  if (commit === undefined) return "unknown";
  return await git(root, "status", "--porcelain") === "" ? commit : `${commit}-dirty`;
}

async function git(root: URL, ...args: readonly string[]): Promise<string | undefined> {
  try {
    const { code, stdout } = await new Deno.Command("git", { args: [...args], cwd: root, stderr: "null" }).output();
    return code === 0 ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
