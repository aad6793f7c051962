import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { disabledRegistry } from "$lib/metrics.ts";
import type { Log } from "$lib/log.ts";
import { disabledTracing } from "$lib/tracing.ts";
import type { Database } from "$lib/database.ts";
import {
  ask,
  brokerOf,
  type BrokerOptions,
  knownAdmin,
  nowhere,
  settingsOf,
  startedBroker,
} from "../tests/fakes/brokers.ts";
import { migratedDataDir, open } from "../tests/fakes/databases.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { waitFor } from "../tests/run/wait.ts";
import { type BrokerParts, createBroker } from "./broker.ts";

Deno.test("broker: on a database that is away", async (t) => {
  await t.step("answers 503 with the reason, and lives", async () => {
    const broker = brokerOf({
      openDatabase: () => Promise.reject(new Failure("unavailable", "Cannot reach postgres://u:secret@db/x")),
    });
    await broker.start();

    const ready = await ask(broker, "/readyz");
    const api = await ask(broker, "/api/v1/stacks");

    assert.equal(ready.status, 503);
    assert.match(ready.body_text, /^Not ready: /);
    assert.equal((await ask(broker, "/healthz")).status, 200);
    assert.equal((await ask(broker, "/metrics")).status, 200);
    assert.deepEqual([api.status, JSON.parse(api.body_text).code], [503, "unavailable"]);
    assert.ok(!`${ready.body_text}${api.body_text}`.includes("secret"));
    await broker.stop();
  });

  await t.step("says that it never will be ready when trying again is no use", async () => {
    const broker = brokerOf({ openDatabase: () => Promise.reject(new Failure("invalid_settings", "Cannot use it")) });
    await broker.start();

    await assert.rejects(broker.ready, { code: "invalid_settings" });
    await broker.stop();
  });
});

Deno.test("broker: opens the database again until it is there", async () => {
  await using folder = await migratedDataDir();
  let tries = 0;
  const broker = brokerOf({
    ...await knownAdmin(),
    openDatabase: () => {
      tries += 1;
      return tries < 2
        ? Promise.reject(new Failure("unavailable", "Cannot reach it"))
        : open({ url: undefined, dataDir: folder.path });
    },
  });
  await broker.start();

  await broker.ready;

  assert.equal(tries, 2);
  const isReady = async () => (await ask(broker, "/readyz")).body_text === "Ready" ? true : undefined;
  await waitFor(isReady, { what: "see it ready: its jobs have the one connection first" });
  await broker.stop();
});

Deno.test("broker: on a database that is there", async (t) => {
  await using folder = await migratedDataDir();
  const address = { url: undefined, dataDir: folder.path };
  const openDatabase: BrokerParts["openDatabase"] = (metrics) =>
    open(address, metrics === undefined ? {} : { metrics });
  const { pak, env } = await knownAdmin();
  const headers = { authorization: pak };

  await t.step("gives every answer an id, probes and pages too", async () => {
    const broker = brokerOf({ openDatabase, env });

    for (const path of ["/healthz", "/readyz", "/metrics", "/nothing"]) {
      assert.match((await ask(broker, path)).headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/, path);
    }
  });

  await t.step("ends a rotated key for others and itself", () => rotatedKeyEnds({ openDatabase, env }, headers));
});

async function rotatedKeyEnds(options: BrokerOptions, headers: Readonly<Record<string, string>>): Promise<void> {
  await using broker = await startedBroker(options);
  const body = JSON.stringify({ revoke: true });
  const rotated = await ask(broker, "/api/v1/admin/rotate-pak", { method: "POST", headers, body });
  const { pak: fresh } = JSON.parse(rotated.body_text);

  assert.equal((await ask(broker, "/api/v1/stacks", { headers })).status, 401);
  assert.equal((await ask(broker, "/api/v1/stacks", { headers: { authorization: fresh } })).status, 200);
}

Deno.test("broker: its first start writes a key that only this user can read, its second none", async () => {
  await using folder = await migratedDataDir();
  const address = { url: undefined, dataDir: folder.path };
  const keyFolder = await Deno.makeTempDir();
  const logged: string[] = [];
  const log: Log = { ...silentLog(), info: (message, fields) => logged.push(`${message} ${JSON.stringify(fields)}`) };
  const start = async () => {
    const broker = brokerOf({ openDatabase: () => open(address), env: { BROKKR__DATA_DIR: keyFolder }, log });
    await broker.start();
    await broker.ready;
    return broker;
  };

  const first = await start();
  const path = `${keyFolder}/admin.pak`;
  const pak = (await Deno.readTextFile(path)).trim();
  const answer = await ask(first, "/api/v1/auth/pak", { method: "POST", headers: { authorization: pak } });
  await first.stop();
  const mode = (await Deno.stat(path)).mode ?? 0;
  await Deno.remove(path);
  const second = await start();
  await second.stop();

  assert.equal(JSON.parse(answer.body_text).admin, true);
  assert.equal(mode & 0o777, 0o600);
  assert.ok(logged.some((line) => line.includes(path)));
  assert.ok(!logged.join("\n").includes(pak));
  assert.deepEqual([...Deno.readDirSync(keyFolder)], []);
  await Deno.remove(keyFolder, { recursive: true });
});

Deno.test("broker: refuses the key that everybody knows, unless it is allowed", () => {
  const known = { BROKKR__BROKER__PAK_HASH: "4c697273df3d764cba950bb5c04368097685f09259f5bd880d892cf1ff9f4cdd" };

  assert.throws(() => settingsOf(known), { code: "invalid_settings" });
  assert.ok(settingsOf({ ...known, BROKKR__BROKER__ALLOW_KNOWN_DEV_KEY: "true" }));
});

Deno.test("broker: refuses a setting by which an agent would be lost before it is late", () => {
  const limits = (late: string, lost: string) => ({
    BROKKR__AGENTS__LATE_AFTER_SECONDS: late,
    BROKKR__AGENTS__LOST_AFTER_SECONDS: lost,
  });

  assert.throws(() => settingsOf(limits("300", "300")), /agents\.late_after_seconds is 300: it must be less than/);
  assert.ok(settingsOf(limits("3", "6")));
});

Deno.test("broker: a stop while the database is away ends at once", async () => {
  const clock = new ManualClock();
  const broker = createBroker({
    ...{ settings: settingsOf(), clock, log: silentLog(), registry: disabledRegistry(), listen: nowhere },
    tracing: disabledTracing(),
    openDatabase: (): Promise<Database> => Promise.reject(new Failure("unavailable", "Cannot reach it")),
  });
  await broker.start();
  await clock.settle();

  await broker.stop();

  assert.equal(clock.pending, 0);
});
