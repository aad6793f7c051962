import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import type { Database } from "$lib/database.ts";
import { newPak } from "$lib/ids.ts";
import { traceHeaders } from "$lib/traceparent.ts";
import { buildWorld, CONFIG_MAP, type World } from "../tests/fakes/api_world.ts";
import { startedBroker } from "../tests/fakes/brokers.ts";
import { embeddedDatabase, open, postgresDatabase, type TestDatabase } from "../tests/fakes/databases.ts";
import type { ReceivedSpan } from "../tests/fakes/otlp_spans.ts";
import { recordedTracing, type RecordingOptions } from "../tests/fakes/recorded_spans.ts";
import { eventually } from "../tests/system/wait.ts";
import { longTest, testWith } from "../tests/run/parts.ts";
import { openStore } from "./store/open.ts";

const CLIENT = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };
const TRACEPARENT = traceHeaders(CLIENT).traceparent;

interface Fixture extends World, AsyncDisposable {
  readonly ask: (path: string, asking?: Asking) => Promise<Response>;
  /** The spans that ended since the last look, once all that was submitted is settled. */
  readonly spans: () => Promise<readonly ReceivedSpan[]>;
  /** Tables and views. */
  readonly relations: () => Promise<readonly string[]>;
  /** What an object says of the trace that it came with. */
  readonly keptTraceparent: (objectId: string) => Promise<string | null | undefined>;
}

interface Asking {
  readonly key?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A whole broker on a database in which there is a world. */
async function traced(sampling: RecordingOptions = {}, held?: TestDatabase): Promise<Fixture> {
  const own = held ?? await embeddedDatabase();
  const world = await buildWorld(openStore(own.database));
  const { tracing, spans } = recordedTracing({ clock: systemClock(), ...sampling });
  let database: Database | undefined;
  const broker = await startedBroker({
    ...{ tracing, env: own.address.url === undefined ? {} : { BROKKR__DATABASE__URL: own.address.url } },
    async openDatabase(metrics) {
      if (own.address.url === undefined) await own.database.close(); // the embedded one lets nobody else in
      return database = await open(own.address, { metrics, tracing });
    },
  });
  let seen = 0;
  return {
    ...world,
    async ask(path, { key = world.keys.admin, method = "GET", headers, body } = {}) {
      const authorization: Record<string, string> = key === "" ? {} : { authorization: key };
      const init = { method, headers: { ...authorization, ...headers }, body: body ?? null };
      return await broker.fetch(new Request(`http://broker${path}`, init));
    },
    async spans() {
      await untilSettled(database ?? own.database);
      const all = await spans();
      const fresh = all.slice(seen);
      seen = all.length;
      return fresh;
    },
    async relations() {
      const { sql } = database ?? own.database;
      const rows = await sql<{ readonly name: string }>`
        select relname::text as name from pg_class where relkind in ('r', 'v', 'p')`;
      return rows.map(({ name }) => name);
    },
    async keptTraceparent(objectId) {
      const { sql } = database ?? own.database;
      const [row] = await sql<{ readonly traceparent: string | null }>`
        select traceparent from deployment_objects where id = ${objectId}`;
      return row?.traceparent;
    },
    async [Symbol.asyncDispose]() {
      await broker[Symbol.asyncDispose]();
      await own[Symbol.asyncDispose]();
    },
  };
}

/**
 * A statement lies inside the request, or inside the settling that the request asked for: that begins after the
 * request did, and ends when it will, because whoever is free settles, be it the job.
 */
function mustBelong(statement: ReceivedSpan, server: ReceivedSpan | undefined, spans: readonly ReceivedSpan[]): void {
  const settle = spans.find(({ spanId, name }) => spanId === statement.parentId && name === "settle");
  const what = `${statement.name} of ${server?.name}`;
  assert.ok(server, what);
  assert.deepEqual([statement.traceId, (settle ?? statement).parentId], [server.traceId, server.spanId], what);
  assert.ok((settle ?? statement).startNanoseconds >= server.startNanoseconds, what);
  mustLieInside(statement, settle ?? server);
}

function mustLieInside(inner: ReceivedSpan, outer: ReceivedSpan): void {
  const what = `${inner.name} in ${outer.name}`;
  assert.ok(inner.startNanoseconds >= outer.startNanoseconds, what);
  assert.ok(inner.endNanoseconds <= outer.endNanoseconds, what);
}

/** Whatever settles, its spans have ended then. */
async function untilSettled({ sql }: Database): Promise<void> {
  await eventually("all is settled", async () => (await sql`select from settle_lines limit 1`).length === 0);
}

function serversOf(spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] {
  return spans.filter(({ kind }) => kind === "server");
}

longTest("broker: a sampled request is one trace, its statements inside it, begun when it came", async () => {
  await using made = await traced({ ratio: 0 });
  const path = `/api/v1/stacks/${made.stackId}/deployment-objects`;
  const headers = { traceparent: TRACEPARENT, "content-type": "text/yaml", "x-request-id": "r-1" };
  const asked = { method: "POST", headers, body: CONFIG_MAP.replace("settings", "others") };

  const answer = await made.ask(`${path}?deletion_marker=false`, asked);

  const spans = await made.spans();
  const [server, ...others] = serversOf(spans);
  assert.deepEqual([answer.status, others.length], [201, 0]);
  assert.deepEqual([server?.name, server?.traceId, server?.parentId, server?.status], [
    ...["POST /api/v1/stacks/:id/deployment-objects", CLIENT.traceId, CLIENT.spanId, "unset"],
  ]);
  const { "brokkr.caller.id": callerId, ...attributes } = server?.attributes ?? {};
  const object = await answer.json();
  assert.match(String(callerId), /^[0-9a-f-]{36}$/);
  assert.deepEqual(attributes, {
    "http.request.method": "POST",
    "http.route": "/api/v1/stacks/:id/deployment-objects",
    "url.path": path,
    "url.scheme": "http",
    "brokkr.caller.role": "admin",
    "brokkr.stack.id": made.stackId,
    "brokkr.deployment_object.id": object.id,
    "http.response.status_code": 201,
  });
  const statements = spans.filter(({ kind }) => kind === "client");
  const names = statements.map(({ name }) => name);
  for (const name of ["BEGIN", "SELECT stacks", "INSERT deployment_objects", "COMMIT"]) {
    assert.ok(names.includes(name), name);
  }
  for (const span of statements) {
    mustBelong(span, server, spans);
    assert.equal(span.attributes["db.system.name"], "postgresql");
    assert.equal(span.attributes["db.namespace"], "postgres|public");
  }
  assert.deepEqual(spans.filter(({ kind }) => kind === "internal").map(({ name }) => name), ["settle"]);
  assert.equal(spans.length, statements.length + 2);
  assert.equal(await made.keptTraceparent(object.id), `00-${CLIENT.traceId}-${server?.spanId}-01`);
});

longTest("broker: the page shows by OpenMetrics which request, and which statement, took how long", async () => {
  await using made = await traced({ ratio: 0 });
  const accept = { accept: "application/openmetrics-text;version=1.0.0" };
  const exemplars = async () => {
    const page = await (await made.ask("/metrics", { key: "", headers: accept })).text();
    return [...page.matchAll(/^(\w+)_bucket\{(.*)\} \d+ # \{trace_id="(\w+)",span_id="(\w+)"\} [\d.e-]+ [\d.]+$/gm)];
  };
  await made.ask("/api/v1/stacks");
  const before = await exemplars();

  await made.ask("/api/v1/stacks", { headers: { traceparent: TRACEPARENT } });

  const spans = await made.spans();
  const named = (await exemplars()).map(([, metric, , traceId, spanId]) =>
    `${metric} ${traceId === CLIENT.traceId} ${spans.find((span) => span.spanId === spanId)?.name}`
  );
  assert.deepEqual(before, []);
  assert.ok(named.includes("brokkr_http_request_duration_seconds true GET /api/v1/stacks"), named.join("\n"));
  assert.ok(named.includes("brokkr_database_query_duration_seconds true SELECT stacks"), named.join("\n"));
});

longTest("broker: whatever is sampled, it is no 401, poll, wait, sign of life, probe, page or document", async () => {
  await using made = await traced({ ratio: 1 });
  const { agentId, keys: { agent } } = made;
  const headers = { traceparent: TRACEPARENT };
  const strangers = await Promise.all(
    ["", "nonsense", newPak()].map((key) => made.ask("/api/v1/stacks", { key, headers })),
  );
  const agents = `/api/v1/agents/${agentId}`;

  const statuses = [
    ...strangers,
    await made.ask(`${agents}/snapshot`, { key: agent, headers }),
    await made.ask(`${agents}/snapshot`, { key: agent, headers, method: "HEAD" }),
    await made.ask(`${agents}/target-state`, { key: agent, headers }),
    await made.ask(`${agents}/changes?since=0`, { key: agent, headers }),
    await made.ask(`${agents}/heartbeat`, { key: agent, headers, method: "POST" }),
    ...await Promise.all(["/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/no/such"]
      .map((path) => made.ask(path, { headers }))),
  ].map(({ status }) => status);

  assert.deepEqual(statuses.slice(0, 10), [401, 401, 401, 200, 200, 200, 200, 204, 200, 200]);
  assert.deepEqual(await made.spans(), []);
});

longTest(
  "broker: an answer names its trace in an error's details, where it is sampled and known whose it is",
  async () => {
    await using made = await traced({ ratio: 0 });
    const sampled = { headers: { traceparent: TRACEPARENT } };
    const traceOf = async (answer: Response) => (await answer.json()).details?.trace_id;
    const missing = `/api/v1/stacks/${crypto.randomUUID()}`;

    const named = [
      await made.ask(missing, sampled),
      await made.ask("/api/v1/stacks/no-uuid", sampled),
      await made.ask("/api/v1/admin/rotate-pak", { ...sampled, method: "POST", key: made.keys.agent }),
    ];
    const unnamed = [
      await made.ask(missing),
      await made.ask(missing, { headers: { ...traceHeaders({ ...CLIENT, traceFlags: 0 }) } }),
      await made.ask(missing, { ...sampled, key: newPak() }),
    ];

    assert.deepEqual(named.map(({ status }) => status), [404, 400, 403]);
    assert.deepEqual(unnamed.map(({ status }) => status), [404, 404, 401]);
    assert.deepEqual(await Promise.all(named.map(traceOf)), named.map(() => CLIENT.traceId));
    assert.deepEqual(await Promise.all(unnamed.map(traceOf)), unnamed.map(() => undefined));
    const servers = serversOf(await made.spans());
    assert.deepEqual(servers.map(({ attributes }) => attributes["http.response.status_code"]), [404, 400, 403]);
    assert.deepEqual(servers.map(({ status, attributes }) => [status, attributes["error.type"]]), [
      ...servers.map(() => ["unset", undefined]),
    ]);
  },
);

longTest("broker: no key, header, query, value of a statement or manifest is in any span", async () => {
  await using made = await traced({ ratio: 1 });
  const { stackId, agentId, keys } = made;
  const words = ["inmanifest", "inheader", "inquery", "inlabel", "inbody"];
  const headers = {
    "content-type": "text/yaml",
    "x-other": "inheader",
    "idempotency-key": "inheader",
    cookie: "inheader",
  };
  const manifest = `${CONFIG_MAP}data:\n  password: inmanifest\n`;

  const statuses = [
    await made.ask(`/api/v1/stacks/${stackId}/deployment-objects`, { method: "POST", headers, body: manifest }),
    await made.ask(`/api/v1/stacks/${stackId}/deployment-objects?limit=5&other=inquery`, { headers }),
    await made.ask("/api/v1/agents/?name=inquery&cluster_name=inquery", { headers }),
    await made.ask(`/api/v1/agents/${agentId}/labels`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ agent_id: agentId, label: "inlabel" }),
    }),
    await made.ask(`/api/v1/stacks/${stackId}/deployment-objects`, { method: "POST", headers, body: "inbody: [" }),
    await made.ask(`/api/v1/agents/${keys.agent}`),
  ].map(({ status }) => status);

  const spans = await made.spans();
  const text = JSON.stringify(spans, (_, value) => typeof value === "bigint" ? String(value) : value);
  assert.deepEqual([statuses, serversOf(spans).length], [[201, 200, 404, 201, 400, 400], 6]);
  for (const word of [...words, ...Object.values(keys).map((key) => key.slice(key.lastIndexOf("_") + 1))]) {
    assert.ok(!text.includes(word), word);
  }
});

longTest("broker: no span of a request is in another's trace, however many are answered at once", async () => {
  await using made = await traced(MANY);
  await mustBeApart(made);
});

testWith("postgres", "broker: nor is one on PostgreSQL, over ten connections", async () => {
  await using made = await traced(MANY, await postgresDatabase());
  await mustBeApart(made);
});

/** Of requests, below. */
const [KINDS, ROUNDS] = [6, 6];
/** An answer with so much in it is read from the database while it is sent. */
const LONG_BYTES = 300_000;
const MANY = { ratio: 0, maxFollowedPerSecond: 1_000 };

/** Half of the requests that are made at once are sampled, each in a trace of its own. */
async function mustBeApart(made: Fixture): Promise<void> {
  const { agentId, otherAgentId, stackId, objectId, keys } = made;
  const report = (id: string) =>
    JSON.stringify({
      ...{ agent_id: id, deployment_object_id: objectId, event_type: "DEPLOY", status: "SUCCESS" },
    });
  const json = { "content-type": "application/json" };
  const objects = `/api/v1/stacks/${stackId}/deployment-objects`;
  const asked: readonly (readonly [string, Asking])[] = Array.from({ length: ROUNDS }, (_, n) =>
    [
      [`/api/v1/agents/${agentId}/events`, { key: keys.agent, method: "POST", headers: json, body: report(agentId) }],
      [`/api/v1/agents/${otherAgentId}/labels`, {
        method: "POST",
        headers: json,
        body: JSON.stringify({ agent_id: otherAgentId, label: `l${n}` }),
      }],
      ["/api/v1/agents", {}],
      [objects, {
        method: "POST",
        headers: { "content-type": "text/yaml" },
        body: CONFIG_MAP.replace("settings", `s-${n}`),
      }],
      [objects, {}],
      [`/api/v1/agents/${agentId}/snapshot`, { key: keys.agent }],
    ] as const).flat();
  const yaml = { method: "POST", headers: { "content-type": "text/yaml" } };
  await made.ask(objects, { ...yaml, body: `${CONFIG_MAP}data:\n  long: ${"x".repeat(LONG_BYTES)}\n` });
  const isSampled = (n: number) => (n + Math.floor(n / KINDS)) % 2 === 1; // of each kind every other one
  const traceIdOf = (n: number) => (n + 1).toString(16).padStart(32, "0");

  await Promise.all(asked.map(async ([path, asking], n) => {
    const { traceparent } = traceHeaders({ ...CLIENT, traceId: traceIdOf(n), traceFlags: isSampled(n) ? 1 : 0 });
    const answer = await made.ask(path, { ...asking, headers: { ...asking.headers, traceparent } });
    await answer.text();
    assert.ok(answer.status < 300, `${path} ${answer.status}`);
  }));

  const spans = await made.spans();
  const servers = new Map(serversOf(spans).map((span) => [span.traceId, span]));
  const sampled = asked.flatMap(([path], n) => isSampled(n) && !path.endsWith("/snapshot") ? [traceIdOf(n)] : []);
  assert.deepEqual([...servers.keys()].sort(), sampled.sort());
  const relations = new Set(await made.relations());
  for (const span of spans.filter(({ kind }) => kind === "client")) {
    const { "db.collection.name": table, "db.query.summary": summary } = span.attributes;
    for (const name of [table, ...String(summary ?? "").split(" ").slice(1)]) {
      assert.ok(name === undefined || relations.has(String(name)), `${name} in ${span.attributes["db.query.text"]}`);
    }
    mustBelong(span, servers.get(span.traceId), spans);
  }
}
