import type { Entry } from "../compile/stage.ts";
import type { ProgramName } from "../compile/task.ts";

/** The last commit whose programs called themselves 0.10.0. */
const OLD_COMMIT = "d3b8d0a";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Version 0.10.0 as its own commit has it, in a folder that goes when it is let go. */
export interface OldPrograms extends AsyncDisposable {
  readonly folder: string;
  /** How to start one of them. */
  entry(name: ProgramName): Entry;
}

/**
 * Unpacks version 0.10.0 from this repository's history.
 *
 * @throws When the history does not go back so far, as in a shallow clone: what is to be shown can't be shown then.
 */
export async function unpackOldPrograms(): Promise<OldPrograms> {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-0.10.0-" });
  const remove = () => Deno.remove(folder, { recursive: true });
  try {
    const archive = `${folder}/archive.tar`;
    await run("git", ["archive", "--format=tar", `--output=${archive}`, OLD_COMMIT]);
    await run("tar", ["-xf", archive, "-C", folder]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, entry: (name) => ({ folder, path: `${name}/main.ts` }), [Symbol.asyncDispose]: remove };
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args], cwd: ROOT }).output();
  if (success) return;
  const why = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot unpack version 0.10.0, which is commit ${OLD_COMMIT} of a whole clone: ${program}: ${why}`);
}
