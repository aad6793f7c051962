import { Failure, messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { mintPak } from "./domain/pak.ts";
import type { BrokerSettings } from "./settings.ts";
import type { Store } from "./store/mod.ts";

const KEY_FILE = "admin.pak";

/** What the first start needs to know. */
export interface FirstAdminParts {
  readonly settings: BrokerSettings;
  readonly log: Log;
}

/**
 * Gives a database without an admin one: with the key whose hash is set, or with a new one, written to a file that only
 * this user can read. Of brokers that start at once, one makes the key, and only that one touches its file, which is
 * there before the database is sure of the key: no key is ever lost. A set hash that is not the admin's is warned of.
 *
 * @throws {Failure} `invalid_settings` when the file can't be written.
 */
export async function ensureAdmin(store: Store, { settings, log }: FirstAdminParts): Promise<void> {
  const given = settings["broker.pak_hash"];
  if (await store.adminRole.exists()) return await warnOfAnother(store, given, log);
  if (given !== undefined) {
    if (await store.adminRole.addIfNone(given)) log.info("admin key stored from broker.pak_hash");
    return;
  }
  const { pak, hash } = await mintPak();
  const path = await store.transaction(async ({ adminRole }) =>
    await adminRole.addIfNone(hash) ? await writeKey(settings.data_dir, pak) : undefined
  );
  if (path !== undefined) log.info("admin key made; it is in this file only", { path });
}

/** The setting is for the first start: a value that came later, or that a rotation left behind, opens nothing. */
async function warnOfAnother({ keys }: Store, given: string | undefined, log: Log): Promise<void> {
  if (given === undefined) return;
  const caller = (await keys.find(given))?.caller;
  if (caller?.role === "admin" && caller.isByFormerKey !== true) return;
  log.warn("broker.pak_hash is not the admin's key: it counts at the first start only; unset it, or rotate that key", {
    command: "rotate admin",
  });
}

async function writeKey(folder: string, pak: string): Promise<string> {
  const path = `${folder}/${KEY_FILE}`;
  const draft = `${path}.${Deno.pid}`;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(draft, `${pak}\n`, { mode: 0o600 });
    await Deno.rename(draft, path);
    return path;
  } catch (cause) {
    throw new Failure("invalid_settings", `Cannot write the first admin key to "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
}
