import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { createRegistry, disabledRegistry } from "$lib/metrics.ts";
import type { Log } from "$lib/log.ts";
import { systemClock } from "$lib/clock.ts";
import { newPak, sha256Hex } from "$lib/ids.ts";
import type { Database } from "$lib/database.ts";
import { migratedDataDir, open } from "../tests/fakes/databases.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { type Broker, type BrokerParts, createBroker } from "./broker.ts";
import { STORE_METRICS, TASKS } from "./metrics.ts";
import { type BrokerSettings, readBrokerSettings } from "./settings.ts";

/** A listener that never listens. */
const nowhere: BrokerParts["listen"] = (_, { hostname, port }) => ({ hostname, port, stop: () => Promise.resolve() });

function settingsOf(env: Readonly<Record<string, string>> = {}): BrokerSettings {
  return readBrokerSettings({ args: [], env, readFile: () => "" }).settings;
}

interface Options {
  readonly openDatabase: BrokerParts["openDatabase"];
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: Log;
}

function brokerOf({ openDatabase, env = {}, log = silentLog() }: Options): Broker {
  const settings = settingsOf(env);
  const clock = systemClock();
  const registry = settings["metrics.enabled"] ? createRegistry({ clock, log }) : disabledRegistry();
  return createBroker({ settings, clock, log, registry, openDatabase, listen: nowhere });
}

/** A broker that is ready, and stopped when it is let go. */
async function startedBroker(options: Options): Promise<Broker & AsyncDisposable> {
  const broker = brokerOf(options);
  broker.start();
  await broker.ready;
  return { ...broker, [Symbol.asyncDispose]: () => broker.stop() };
}

/** Asks again until the series has the value; at most three seconds. */
async function untilShown(broker: Broker, series: string, value: number): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await samples(broker)).get(series) === value) return;
    await systemClock().sleep(50);
  }
  assert.equal((await samples(broker)).get(series), value, series);
}

async function ask(
  broker: Broker,
  path: string,
  init?: RequestInit,
): Promise<Response & { readonly body_text: string }> {
  const answer = await broker.fetch(new Request(`http://broker${path}`, init));
  return Object.assign(answer, { body_text: await answer.text() });
}

async function samples(broker: Broker): Promise<ReadonlyMap<string, number>> {
  const { body_text } = await ask(broker, "/metrics");
  const lines = body_text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

async function knownAdmin(): Promise<{ readonly pak: string; readonly env: Readonly<Record<string, string>> }> {
  const pak = newPak();
  return { pak, env: { BROKKR__BROKER__PAK_HASH: await sha256Hex(pak.split("_")[2] ?? "") } };
}

Deno.test("broker: on a database that is away", async (t) => {
  await t.step("answers 503 with the reason, and lives", async () => {
    const broker = brokerOf({
      openDatabase: () => Promise.reject(new Failure("unavailable", "Cannot reach postgres://u:secret@db/x")),
    });
    broker.start();

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

  await t.step("shows from its start what can be counted, at 0, and nothing of the store", async () => {
    const broker = brokerOf({ openDatabase: () => Promise.reject(new Failure("unavailable", "Cannot reach it")) });

    const page = await samples(broker);

    const closed = {
      brokkr_auth_attempts_total: 5,
      brokkr_database_queries_total: 4,
      brokkr_database_query_errors_total: 4,
      brokkr_database_connections: 3,
      brokkr_delivery_duration_seconds_count: 2,
      brokkr_job_runs_total: 9,
      brokkr_job_duration_seconds_count: 3,
      brokkr_job_last_success_timestamp_seconds: 3,
    };
    for (const [name, count] of Object.entries(closed)) {
      const values = [...page].filter(([series]) => series.startsWith(`${name}{`)).map(([, value]) => value);
      assert.deepEqual(values, Array(count).fill(0), name);
    }
    for (const name of Object.values(STORE_METRICS).map(({ name }) => name)) {
      assert.equal([...page.keys()].some((series) => series.startsWith(name)), false, name);
    }
  });

  await t.step("says that it never will be ready when trying again is no use", async () => {
    const broker = brokerOf({ openDatabase: () => Promise.reject(new Failure("invalid_settings", "Cannot use it")) });
    broker.start();

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
  broker.start();

  await broker.ready;

  assert.equal(tries, 2);
  assert.equal((await ask(broker, "/readyz")).body_text, "Ready");
  await broker.stop();
});

Deno.test("broker: on a database that is there", async (t) => {
  await using folder = await migratedDataDir();
  const address = { url: undefined, dataDir: folder.path };
  const openDatabase: BrokerParts["openDatabase"] = (metrics) =>
    open(address, metrics === undefined ? {} : { metrics });
  const { pak, env } = await knownAdmin();
  const headers = { authorization: pak };

  await t.step("counts every request under its template, and every statement", async () => {
    await using broker = await startedBroker({ openDatabase, env });
    await untilShown(broker, 'brokkr_database_queries_total{operation="delete"}', 2); // both purges of the start
    const before = await samples(broker);

    await ask(broker, "/api/v1/stacks", { headers });
    await ask(broker, "/api/v1/stacks/00000000-0000-4000-8000-000000000000", { headers });
    await ask(broker, "/api/v1/stacks/00000000-0000-4000-8000-000000000000", { method: "HEAD", headers });
    await ask(broker, "/api/v1/stacks", { method: "PATCH", headers });
    await ask(broker, "/nothing");
    const after = await samples(broker);

    const grown = [...after]
      .filter(([series]) => /^brokkr_(http_requests|database_queries|auth_attempts)_total/.test(series))
      .map(([series, value]) => [series, value - (before.get(series) ?? 0)]).filter(([, by]) => by !== 0);
    assert.deepEqual(Object.fromEntries(grown), {
      'brokkr_http_requests_total{method="GET",endpoint="/metrics",status="200"}': 1,
      'brokkr_http_requests_total{method="GET",endpoint="/api/v1/stacks",status="200"}': 1,
      'brokkr_http_requests_total{method="GET",endpoint="/api/v1/stacks/:id",status="404"}': 1,
      'brokkr_http_requests_total{method="HEAD",endpoint="/api/v1/stacks/:id",status="404"}': 1,
      'brokkr_http_requests_total{method="PATCH",endpoint="/api/v1/stacks",status="405"}': 1,
      'brokkr_http_requests_total{method="GET",endpoint="unmatched",status="404"}': 1,
      'brokkr_database_queries_total{operation="select"}': 4, // the key once, then three reads
      'brokkr_auth_attempts_total{result="success"}': 3,
    });
  });

  await t.step("counts no request of the admin's own door: nobody is asked for a key there", async () => {
    await using broker = await startedBroker({ openDatabase, env });
    const counts = async () =>
      [...await samples(broker)].filter(([series]) => /^brokkr_(http_requests|auth_attempts)_total/.test(series));
    const before = new Map(await counts());

    const request = new Request("http://broker/api/v1/stacks");
    const answer = await broker.admin(request, { completed: Promise.resolve() });
    await answer.text();

    assert.equal(answer.status, 200);
    assert.deepEqual((await counts()).filter(([series, value]) => value !== (before.get(series) ?? 0)), [
      ['brokkr_http_requests_total{method="GET",endpoint="/metrics",status="200"}', 1],
    ]);
  });

  await t.step("counts each run of a job, and says when it last succeeded", async () => {
    await using broker = await startedBroker({ openDatabase, env });
    await untilShown(broker, 'brokkr_job_runs_total{task="purge_deliveries",result="success"}', 1);
    await untilShown(broker, 'brokkr_job_runs_total{task="purge_agent_events",result="success"}', 1);

    const page = await samples(broker);

    for (const task of TASKS) {
      const ageSeconds = Date.now() / 1_000 -
        (page.get(`brokkr_job_last_success_timestamp_seconds{task="${task}"}`) ?? 0);
      assert.ok(ageSeconds >= 0 && ageSeconds < 60, `${task} ${ageSeconds}`);
      assert.ok((page.get(`brokkr_job_duration_seconds_count{task="${task}"}`) ?? 0) >= 1, task);
    }
  });

  await t.step("shows a new stack in its gauge within a second or so of its creation", async () => {
    await using broker = await startedBroker({ openDatabase, env });
    assert.equal((await samples(broker)).get("brokkr_stacks_total"), 0);
    const generator = await ask(broker, "/api/v1/generators", {
      ...{ method: "POST", headers },
      body: JSON.stringify({ name: "shop" }),
    });
    const { generator: { id } } = JSON.parse(generator.body_text);

    await ask(broker, "/api/v1/stacks", {
      ...{ method: "POST", headers },
      body: JSON.stringify({ name: "web", generator_id: id }),
    });

    await untilShown(broker, "brokkr_stacks_total", 1);
  });

  await t.step("times a delivery until it was delivered and until it was applied", async () => {
    await using broker = await startedBroker({ openDatabase, env });
    const delivery = await delivered(broker, headers);
    const timed = "brokkr_delivery_duration_seconds_count{stage=";
    assert.equal((await samples(broker)).get(`${timed}"applied"}`), 0);

    await delivery.report();
    await delivery.report();

    const page = await samples(broker);
    assert.deepEqual([page.get(`${timed}"delivered"}`), page.get(`${timed}"applied"}`)], [1, 1]);
  });

  await t.step("has no page and collects nothing with metrics off", async () => {
    let handed: unknown = "nothing yet";
    await using broker = await startedBroker({
      env: { ...env, BROKKR__METRICS__ENABLED: "false" },
      openDatabase: (metrics) => {
        handed = metrics;
        return openDatabase(metrics);
      },
    });

    const page = await ask(broker, "/metrics");

    assert.deepEqual([page.status, JSON.parse(page.body_text).code], [404, "not_found"]);
    assert.equal(handed, undefined);
    assert.equal((await ask(broker, "/readyz")).status, 200);
  });

  await t.step("gives every answer an id, probes and pages too", async () => {
    const broker = brokerOf({ openDatabase, env });

    for (const path of ["/healthz", "/readyz", "/metrics", "/nothing"]) {
      assert.match((await ask(broker, path)).headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/, path);
    }
  });

  await t.step("ends a rotated key for others and itself", () => rotatedKeyEnds({ openDatabase, env }, headers));
});

/** An object that its agent has been told of, and how that reports it as applied. */
async function delivered(
  broker: Broker,
  admin: Readonly<Record<string, string>>,
): Promise<{ report(): Promise<void> }> {
  async function send(path: string, body: unknown, headers = admin) {
    const answer = await ask(broker, `/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    assert.ok(answer.status < 300, `${path} ${answer.status} ${answer.body_text}`);
    return answer.body_text === "" ? {} : JSON.parse(answer.body_text);
  }
  const { generator } = await send("/generators", { name: "deliveries" });
  const { agent, initial_pak } = await send("/agents", {
    ...{ name: "a1", cluster_name: "c1", generator_ids: [generator.id] },
  });
  const stack = await send("/stacks", { name: "delivered", generator_id: generator.id });
  await send(`/agents/${agent.id}/targets`, { agent_id: agent.id, stack_id: stack.id });
  const object = await send(`/stacks/${stack.id}/deployment-objects`, {
    yaml_content: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
  });
  const headers = { authorization: initial_pak };
  await ask(broker, `/api/v1/agents/${agent.id}/snapshot`, { headers });
  const report = { agent_id: agent.id, deployment_object_id: object.id, state: "applied" };
  return { report: () => send(`/agents/${agent.id}/events`, report, headers) };
}

async function rotatedKeyEnds(options: Options, headers: Readonly<Record<string, string>>): Promise<void> {
  await using broker = await startedBroker(options);
  const rotated = await ask(broker, "/api/v1/admin/rotate-pak", { method: "POST", headers });
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
    broker.start();
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
    openDatabase: (): Promise<Database> => Promise.reject(new Failure("unavailable", "Cannot reach it")),
  });
  broker.start();
  await clock.settle();

  await broker.stop();

  assert.equal(clock.pending, 0);
});
