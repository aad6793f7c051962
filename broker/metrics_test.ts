import assert from "node:assert/strict";
import { eventually } from "../tests/system/wait.ts";
import { Failure } from "$lib/error.ts";
import { ask, brokerOf, knownAdmin, samples, startedBroker, untilShown } from "../tests/fakes/brokers.ts";
import { migratedDataDir, open } from "../tests/fakes/databases.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import type { Broker, BrokerParts } from "./broker.ts";
import { STORE_METRICS, TASKS } from "./metrics.ts";

Deno.test("metrics: the page shows from the start what can be counted, at 0, and nothing of the store", async () => {
  const broker = brokerOf({ openDatabase: () => Promise.reject(new Failure("unavailable", "Cannot reach it")) });

  const page = await samples(broker);

  const closed = {
    brokkr_auth_attempts_total: 5,
    brokkr_database_queries_total: 4,
    brokkr_database_query_errors_total: 4,
    brokkr_database_connections: 3,
    brokkr_delivery_duration_seconds_count: 3,
    brokkr_job_runs_total: 3 * TASKS.length,
    brokkr_job_duration_seconds_count: TASKS.length,
    brokkr_job_last_success_timestamp_seconds: TASKS.length,
  };
  for (const [name, count] of Object.entries(closed)) {
    const values = [...page].filter(([series]) => series.startsWith(`${name}{`)).map(([, value]) => value);
    assert.deepEqual(values, Array(count).fill(0), name);
  }
  for (const name of Object.values(STORE_METRICS).map(({ name }) => name)) {
    assert.equal([...page.keys()].some((series) => series.startsWith(name)), false, name);
  }
});

/** A database, and the admin's way into a broker on it. */
interface Place {
  readonly openDatabase: BrokerParts["openDatabase"];
  readonly env: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

Deno.test("metrics: of a broker on a database that is there", async (t) => {
  await using folder = await migratedDataDir();
  const { pak, env } = await knownAdmin();
  const place: Place = {
    ...{ env, headers: { authorization: pak } },
    openDatabase: (metrics) => open({ url: undefined, dataDir: folder.path }, metrics === undefined ? {} : { metrics }),
  };

  for (const [claim, check] of CLAIMS) await t.step(claim, () => check(place));
});

/** What a broker does at its start is over: its statements are counted. */
async function untilEachJobRan(broker: Broker): Promise<void> {
  for (const task of TASKS) await untilShown(broker, `brokkr_job_runs_total{task="${task}",result="success"}`, 1);
}

const CLAIMS: readonly (readonly [claim: string, check: (place: Place) => Promise<void>])[] = [
  ["counts every request under its template, and every statement", async ({ openDatabase, env, headers }) => {
    await using broker = await startedBroker({ openDatabase, env, clock: new ManualClock() }); // no job runs again
    await untilEachJobRan(broker);
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
  }],
  ["counts no request of the admin's own door: nobody is asked for a key there", async ({ openDatabase, env }) => {
    await using broker = await startedBroker({ openDatabase, env });
    const counts = async () =>
      [...await samples(broker)].filter(([series]) => /^brokkr_(http_requests|auth_attempts)_total/.test(series));
    const before = new Map(await counts());

    const request = new Request("http://broker/api/v1/stacks");
    const answer = await broker.admin(request);
    await answer.text();

    assert.equal(answer.status, 200);
    assert.deepEqual((await counts()).filter(([series, value]) => value !== (before.get(series) ?? 0)), [
      ['brokkr_http_requests_total{method="GET",endpoint="/metrics",status="200"}', 1],
    ]);
  }],
  ["counts each run of a job, and says when it last succeeded", async ({ openDatabase, env }) => {
    const clock = new ManualClock();
    await using broker = await startedBroker({ openDatabase, env, clock });
    await untilEachJobRan(broker);

    const page = await samples(broker);

    for (const task of TASKS) {
      assert.equal(page.get(`brokkr_job_last_success_timestamp_seconds{task="${task}"}`), clock.now() / 1_000, task);
      assert.ok((page.get(`brokkr_job_duration_seconds_count{task="${task}"}`) ?? 0) >= 1, task);
    }
  }],
  ["shows a new stack in its gauge within a second or so of its creation", async ({ openDatabase, env, headers }) => {
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
  }],
  ["times a delivery until it was delivered and until it was applied", async ({ openDatabase, env, headers }) => {
    await using broker = await startedBroker({ openDatabase, env });
    const delivery = await delivered(broker, headers);
    const timed = "brokkr_delivery_duration_seconds_count{stage=";
    assert.equal((await samples(broker)).get(`${timed}"applied"}`), 0);

    await delivery.report();
    await delivery.report();

    const page = await samples(broker);
    assert.deepEqual([page.get(`${timed}"delivered"}`), page.get(`${timed}"applied"}`)], [1, 1]);
  }],
  ["has no page and collects nothing with metrics off", async ({ openDatabase, env }) => {
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
    await eventually("it is ready", async () => (await ask(broker, "/readyz")).status === 200);
  }],
];

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
