import { newPak, sha256Hex } from "$lib/ids.ts";

/** A fresh admin key, with the hash that `broker.pak_hash` takes. */
export async function adminKey(): Promise<{ readonly pak: string; readonly pakHash: string }> {
  const pak = newPak();
  const long = pak.slice(pak.lastIndexOf("_") + 1);
  return { pak, pakHash: await sha256Hex(long) };
}
