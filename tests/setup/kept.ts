import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

/** The path of what `deno task setup` keeps; `undefined` when it is not on this machine. Looks at files only. */
export function locateKept(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

/**
 * Tells what is built of these sources from what is built of others, for its folder's name: 12 digits of their hash.
 *
 * @param folder With a slash at its end.
 */
export function hashOfSources(folder: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(`${folder}${file}`));
  return hash.digest("hex").slice(0, 12);
}
