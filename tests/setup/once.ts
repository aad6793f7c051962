import { cacheFolder } from "../cluster/binaries.ts";

const DRAFT = ".draft-";

/**
 * Wants the lock of `main.ts`. Fills a folder beside its place and moves it there when it is complete: whoever finds it
 * finds all of it.
 */
export async function once(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  if (await isThere(folder)) return folder;
  await removeDrafts();
  const draft = await Deno.makeTempDir({ dir: cacheFolder(), prefix: DRAFT });
  try {
    await fill(draft);
    await Deno.chmod(draft, 0o755);
    await Deno.rename(draft, folder);
  } finally {
    if (await isThere(draft)) await Deno.remove(draft, { recursive: true });
  }
  return folder;
}

/** Drafts of a set-up that was killed: there is one set-up at a time, and it is us. */
async function removeDrafts(): Promise<void> {
  for await (const { name } of Deno.readDir(cacheFolder())) {
    if (name.startsWith(DRAFT)) await Deno.remove(`${cacheFolder()}/${name}`, { recursive: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
