import assert from "node:assert/strict";
import { sha256Hex } from "$lib/ids.ts";
import { postgresDatabase } from "../tests/fakes/databases.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { testWith } from "../tests/run/parts.ts";
import { ensureAdmin } from "./first_admin.ts";
import { readBrokerSettings } from "./settings.ts";
import { openStore } from "./store/open.ts";

const log = silentLog();

function settingsIn(folder: string) {
  return readBrokerSettings({ args: [], env: { BROKKR__DATA_DIR: folder }, readFile: () => "" }).settings;
}

testWith(
  "postgres",
  "ensureAdmin() of brokers that share a folder leaves the one key that the database knows",
  async () => {
    await using postgres = await postgresDatabase();
    const store = openStore(postgres.database);
    const folder = await Deno.makeTempDir();

    await Promise.all(Array.from({ length: 5 }, () => ensureAdmin(store, { settings: settingsIn(folder), log })));

    const pak = await Deno.readTextFile(`${folder}/admin.pak`);
    const key = await store.keys.find(await sha256Hex(pak.trim().split("_")[2] ?? ""));
    assert.equal(key?.caller.role, "admin");
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["admin.pak"]);
    await Deno.remove(folder, { recursive: true });
  },
);

testWith("postgres", "ensureAdmin() makes no admin whose key it can't write, and says why", async () => {
  await using postgres = await postgresDatabase();
  const store = openStore(postgres.database);
  const file = await Deno.makeTempFile();

  await assert.rejects(ensureAdmin(store, { settings: settingsIn(`${file}/data`), log }), {
    code: "invalid_settings",
    message: /^Cannot write the first admin key to ".*\/data\/admin\.pak": /,
  });

  assert.equal(await store.adminRole.exists(), false);
  await Deno.remove(file);
});

testWith("postgres", "ensureAdmin() warns of a set hash that is not the admin's key, and of no other", async () => {
  await using postgres = await postgresDatabase();
  const store = openStore(postgres.database);
  const warnings: string[] = [];
  const noting = { ...log, warn: (message: string) => void warnings.push(message) };
  const [first, second] = ["1".repeat(64), "2".repeat(64)];
  const start = async (pakHash: string | undefined) => {
    const settings = { ...settingsIn("/nowhere"), "broker.pak_hash": pakHash };
    await ensureAdmin(store, { settings, log: noting });
    return warnings.splice(0).length;
  };

  const counts = [await start(first), await start(first), await start(undefined), await start(second)];
  await store.adminRole.changePak({ pakHash: second, keepsFormer: true });

  assert.deepEqual(counts, [0, 0, 0, 1]);
  assert.deepEqual([await start(first), await start(second)], [1, 0]);
  assert.equal((await store.keys.find(second))?.caller.role, "admin");
});
