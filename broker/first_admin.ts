import type { Log } from "$lib/log.ts";
import { mintPak } from "./domain/pak.ts";
import type { BrokerSettings } from "./settings.ts";
import type { AdminRoleStore } from "./store/mod.ts";

const KEY_FILE = "admin.pak";

/** What the first start needs to know. */
export interface FirstAdminParts {
  readonly settings: BrokerSettings;
  readonly log: Log;
}

/**
 * Gives a database without an admin one: with the key whose hash is set, or with a new one, written to a file that only
 * this user can read. The file is there before the database knows the key, so that no key is ever lost.
 */
export async function ensureAdmin(adminRole: AdminRoleStore, { settings, log }: FirstAdminParts): Promise<void> {
  if (await adminRole.exists()) return;
  const given = settings["broker.pak_hash"];
  if (given !== undefined) {
    if (await adminRole.addIfNone(given)) log.info("admin key stored from broker.pak_hash");
    return;
  }
  const { pak, hash } = await mintPak();
  const path = await writeKey(settings.data_dir, pak);
  if (await adminRole.addIfNone(hash)) return log.info("admin key made; it is in this file only", { path });
  await Deno.remove(path);
}

async function writeKey(folder: string, pak: string): Promise<string> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const path = `${folder}/${KEY_FILE}`;
  const draft = `${path}.${Deno.pid}`;
  await Deno.writeTextFile(draft, `${pak}\n`, { mode: 0o600 });
  await Deno.rename(draft, path);
  return path;
}
