import { createHash } from "node:crypto";
import { run, type Say, withRetries } from "./commands.ts";

/** A file in a package of npm. */
export interface PackagedFile {
  /** Name and version: `name@1.2.3`. */
  readonly pack: string;
  /** Where it lies in the package: `package/lib/x.js`. */
  readonly path: string;
}

/** Fetches the package into the folder and leaves nothing of it there but the file, at its own path. */
export async function fetchPackagedFile(folder: string, { pack, path }: PackagedFile, say: Say): Promise<void> {
  const fetch = () => run({ program: "npm", args: ["pack", "--json", pack], cwd: folder });
  const [packed]: { filename: string }[] = JSON.parse(await withRetries(`${pack}: fetching`, say, fetch));
  if (packed === undefined) throw new Error(`Cannot fetch ${pack}: npm names no file`);
  await run({ program: "tar", args: ["-xzf", packed.filename, path], cwd: folder });
  await Deno.remove(`${folder}/${packed.filename}`);
}

/**
 * Trusts a file only if its SHA-256 is the one, in hex, of the file that was looked at.
 *
 * @throws When it is another.
 */
export async function checkHash(path: string, expected: string): Promise<void> {
  const hash = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
  if (hash !== expected) throw new Error(`Cannot trust "${path}": its SHA-256 is ${hash}`);
}
