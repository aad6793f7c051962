import { homedir } from "node:os";

/** A folder for what tests make once and use again; it can be deleted at any time. */
export async function cacheFolder(name: string): Promise<string> {
  const folder = `${Deno.env.get("XDG_CACHE_HOME") ?? `${homedir()}/.cache`}/brokkr/${name}`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
