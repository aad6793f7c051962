import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Database } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import { disabledTracing } from "$lib/tracing.ts";
import { knownAdmin, settingsOf } from "../tests/fakes/brokers.ts";
import { migratedDataDir, open } from "../tests/fakes/databases.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { Lifecycle, type LifecycleParts } from "./lifecycle.ts";

/** A life whose database is opened, and whose work begins and ends, as the test says. */
async function start(openDatabase: LifecycleParts["openDatabase"]) {
  const clock = new ManualClock();
  const refreshed = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const life = new Lifecycle({
    settings: settingsOf((await knownAdmin()).env),
    ...{ clock, openDatabase, log: silentLog(), tracing: disabledTracing() },
    startWork: (_, signal) => ({
      firstRefresh: refreshed.promise,
      ended: Promise.race([
        ended.promise,
        new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
      ]),
    }),
    onDelivery: () => {},
    onKeysChanged: () => {},
    onSettled: () => {},
  });
  life.start();
  const readiness = async () => (await life.readiness()).text;
  return { life, clock, readiness, refresh: refreshed.resolve, ended };
}

async function until(readiness: () => Promise<string>, text: string): Promise<void> {
  while (await readiness() !== text) await setImmediate();
}

/** A database that is there and never answers. */
function silent(): Database {
  return new Proxy({}, { get: (_, name) => name === "then" ? undefined : () => new Promise(() => {}) }) as Database;
}

Deno.test("Lifecycle opens, migrates, starts, is ready and stops, and says which", async () => {
  await using folder = await migratedDataDir();
  const opening = Promise.withResolvers<Database>();
  const { life, readiness, refresh } = await start(() => opening.promise);

  assert.equal(await readiness(), "Not ready: the database is being opened");
  assert.throws(() => life.store, { code: "unavailable", message: /the database is being opened/ });
  opening.resolve(await open({ url: undefined, dataDir: folder.path }));
  await until(readiness, "Not ready: the gauges have not been read yet");
  assert.equal(typeof life.store.stacks.get, "function");
  refresh();
  await life.ready;
  assert.equal(await readiness(), "Ready");

  await life.stop();
  assert.equal(await readiness(), "Not ready: the broker is stopping");
  assert.throws(() => life.store, { code: "unavailable", message: /the broker is stopping/ });
});

Deno.test("Lifecycle says that it migrates while the database takes its time for that", async () => {
  const { readiness } = await start(() => Promise.resolve(silent()));

  await until(readiness, "Not ready: the database is being migrated");
});

Deno.test("Lifecycle is not ready while the database does not answer, and says so after 750 ms", async () => {
  await using folder = await migratedDataDir();
  const database = await open({ url: undefined, dataDir: folder.path });
  let isSilent = false;
  const never = () => new Promise(() => {});
  const sometimesSilent = new Proxy(database, {
    get(_, name) {
      if (name === "sql") return isSilent ? never : database.sql;
      const method = Reflect.get(database, name);
      return typeof method === "function" ? method.bind(database) : method;
    },
  });
  const { life, clock, readiness, refresh } = await start(() => Promise.resolve(sometimesSilent));
  await until(readiness, "Not ready: the gauges have not been read yet");
  refresh();
  await life.ready;
  isSilent = true;

  const asked = readiness();
  await clock.advance(750);

  assert.equal(await asked, "Not ready: the database did not answer within 750 ms");
  isSilent = false;
  assert.equal(await readiness(), "Ready");
  assert.equal(clock.pending, 0);
  await life.stop();
});

Deno.test("Lifecycle opens anew after a pause, and says why meanwhile, until it is told to stop", async () => {
  let tries = 0;
  const { life, clock, readiness } = await start(() => {
    tries += 1;
    return Promise.reject(new Failure("unavailable", `Cannot reach postgres://me:hunter2@db: try ${tries}`));
  });

  await until(readiness, "Not ready: Cannot reach postgres://me:***@db: try 1");
  await clock.advance(1_000);
  await until(readiness, "Not ready: Cannot reach postgres://me:***@db: try 2");
  await life.stop();

  assert.equal(tries, 2);
  await assert.rejects(life.ready, { code: "unavailable", message: /the broker is stopping/ });
});

Deno.test("Lifecycle that was told to stop stays so, whatever its work comes to", async () => {
  await using folder = await migratedDataDir();
  const { life, readiness, refresh } = await start(() => open({ url: undefined, dataDir: folder.path }));
  await until(readiness, "Not ready: the gauges have not been read yet");

  const stopped = life.stop();
  refresh();
  await stopped;

  assert.equal(await readiness(), "Not ready: the broker is stopping");
});

Deno.test("Lifecycle fails when its work ends before it is stopped, by itself or with an error", async () => {
  await using folder = await migratedDataDir();
  for (
    const [end, failure] of [
      [(ended: PromiseWithResolvers<void>) => ended.resolve(), { message: /has ended, and nobody stopped it/ }],
      [(ended: PromiseWithResolvers<void>) => ended.reject(new Error("broken")), { message: "broken" }],
    ] as const
  ) {
    const { life, refresh, ended } = await start(() => open({ url: undefined, dataDir: folder.path }));
    refresh();
    await life.ready;

    end(ended);

    await assert.rejects(life.failed, failure);
    await life.stop();
  }
});
