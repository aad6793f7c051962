import assert from "node:assert/strict";
import type { Failure } from "$lib/error.ts";
import { sha256Hex } from "$lib/ids.ts";
import { createReplaceableClient } from "$lib/http_client.ts";
import { recordedTracing } from "../tests/fakes/recorded_spans.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { brokerClient, REQUEST_TIMEOUT_MS } from "./broker_client.ts";

const AGENT = "11111111-1111-4111-8111-111111111111";
const STACK = "22222222-2222-4222-8222-222222222222";
const SNAPSHOT = { epoch: AGENT, revision: 3, complete: true, paused: false, prune_approved: null, stacks: [] };
const STACK_ENTRY = {
  stack_id: STACK,
  name: "web",
  generator_id: AGENT,
  state: "terminating",
  deployment_object: null,
};

type Reply = { status?: number; body?: unknown; headers?: Record<string, string> } | Error | "hangs";

/** A client whose broker gives `replies` in order, and what was asked and heard. */
function broker(...replies: Reply[]) {
  return brokerOfKey("brokkr_BRabc_secret", replies);
}

function brokerOfKey(pak: string, replies: Reply[]) {
  const asked: { method: string; path: string; headers: Headers; body: string }[] = [];
  const heard: (Failure | undefined)[] = [];
  const connected: number[] = [];
  const clock = new ManualClock();
  const { tracing, spans } = recordedTracing({ clock, ratio: 0 });
  const fetch = async (input: URL | RequestInfo, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { pathname } = new URL(request.url);
    asked.push({ method: request.method, path: pathname, headers: request.headers, body: await request.text() });
    return answer(replies.shift() ?? {}, init?.signal ?? undefined);
  };
  const client = brokerClient({
    fetch,
    http: createReplaceableClient({ to: "broker", options: () => ({}), clock, log: silentLog() }),
    url: new URL("https://broker.example/base/"),
    userAgent: "brokkr-agent/test",
    readPak: () => Promise.resolve(pak),
    connected: { record: (value) => connected.push(value) },
    tracing,
    onExchange: (failure) => heard.push(failure),
  });
  return { client, asked, heard, connected, clock, spans, signal: new AbortController().signal };
}

function answer(reply: Reply, signal: AbortSignal | undefined): Promise<Response> {
  if (reply instanceof Error) return Promise.reject(reply);
  if (reply === "hangs") {
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  }
  const { status = 200, body, headers } = reply;
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  return Promise.resolve(new Response(status === 304 || status === 204 ? null : text, { status, headers }));
}

Deno.test("a key that no header can hold is not sent, and not repeated", async () => {
  const { client, asked, heard, signal } = brokerOfKey("brokkr_BRabc_secret\nmore", []);

  await assert.rejects(client.identify(signal), { code: "broker_unavailable" });

  assert.deepEqual(heard.map((failure) => failure?.message), [
    "Cannot send the key: it holds what no header can hold, such as two lines",
  ]);
  assert.deepEqual(asked, []);
});

Deno.test("report() goes on with its turn's trace, and ends its span as the answer says; of no turn it has none", async () => {
  const { client, asked, spans, signal } = broker({}, { status: 503 }, new Error("reset"), {});
  const turn = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };
  const event = { agent_id: AGENT, state: "applied" } as const;

  await client.report(event, turn, signal);
  await assert.rejects(client.report(event, turn, signal));
  await assert.rejects(client.report(event, turn, signal));
  await client.report(event, undefined, signal);

  const sent = await spans();
  const headers = sent.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
  assert.deepEqual(asked.map(({ headers }) => headers.get("traceparent")), [...headers, null]);
  assert.deepEqual(sent.map(({ traceId, parentId, kind }) => [traceId, parentId, kind]), [
    ...Array(3).fill([turn.traceId, turn.spanId, "client"]),
  ]);
  assert.deepEqual(sent.map(({ attributes }) => attributes["error.type"]), [undefined, "503", "broker_unavailable"]);
  assert.deepEqual([sent[0]?.name, sent[0]?.attributes], ["POST /api/v1/agents/{id}/events", {
    "http.request.method": "POST",
    "url.template": "/api/v1/agents/{id}/events",
    "server.address": "broker.example",
    "server.port": 443,
  }]);
});

Deno.test("poll() gives the snapshot with its tag, and asks with the key under the broker's path", async () => {
  const { client, asked, heard, signal } = broker({ body: SNAPSHOT, headers: { etag: '"e-3"' } });

  const tagged = await client.poll(AGENT, undefined, signal);

  assert.deepEqual(tagged, { snapshot: SNAPSHOT, etag: '"e-3"' });
  assert.equal(asked[0]?.path, `/base/api/v1/agents/${AGENT}/snapshot`);
  assert.equal(asked[0]?.headers.get("authorization"), "Bearer brokkr_BRabc_secret");
  assert.equal(asked[0]?.headers.get("user-agent"), "brokkr-agent/test");
  assert.equal(asked[0]?.headers.has("if-none-match"), false);
  assert.deepEqual(heard, [undefined]);
});

Deno.test("poll() gives nothing on 304 to the tag it sent", async () => {
  const { client, asked, signal } = broker({ status: 304 });

  assert.equal(await client.poll(AGENT, '"e-3"', signal), undefined);
  assert.equal(asked[0]?.headers.get("if-none-match"), '"e-3"');
});

Deno.test("poll() takes a 304 that it did not ask for as a failure", async () => {
  const { client, signal } = broker({ status: 304 });

  await assert.rejects(client.poll(AGENT, undefined, signal), { code: "broker_unavailable" });
});

const UNBELIEVABLE: readonly (readonly [string, unknown])[] = [
  ["{}", {}],
  ["null", "null"],
  ["complete: false", { ...SNAPSHOT, complete: false }],
  ["a body without complete", { ...SNAPSHOT, complete: undefined }],
  ["a body without stacks", { ...SNAPSHOT, stacks: undefined }],
  ["a stack in an unknown state", { ...SNAPSHOT, stacks: [{ ...STACK_ENTRY, state: "gone" }] }],
  ["a stack named twice", { ...SNAPSHOT, stacks: [STACK_ENTRY, { ...STACK_ENTRY, state: "present" }] }],
];

Deno.test("poll() takes an answer that is no JSON for a broker that is away: something before it has answered", async () => {
  for (const body of ["<html>hello</html>", "", JSON.stringify(SNAPSHOT).slice(0, -3)]) {
    const { client, signal } = broker({ body });

    await assert.rejects(client.poll(AGENT, undefined, signal), { code: "broker_unavailable" });
  }
});

for (const [what, body] of UNBELIEVABLE) {
  Deno.test(`poll() does not believe ${what}`, async () => {
    const { client, signal } = broker({ body });

    await assert.rejects(client.poll(AGENT, undefined, signal), { code: "invalid_snapshot" });
  });
}

Deno.test("a refusal says status, code and the broker's words", async () => {
  const body = { code: "agent_not_found", message: "there is none" };
  const { client, heard, signal } = broker({ status: 404, body });

  await assert.rejects(client.poll(AGENT, undefined, signal), {
    code: "broker_rejected",
    message: `Cannot GET agents/${AGENT}/snapshot: status is 404, agent_not_found: there is none`,
    details: { status: 404, code: "agent_not_found" },
  });
  assert.equal(heard[0]?.code, "broker_rejected");
});

for (const status of [301, 401, 408, 429, 500, 503]) {
  Deno.test(`status ${status} is a failure that may pass`, async () => {
    const { client, signal } = broker({ status });

    await assert.rejects(client.beat(AGENT, {}, signal), { code: "broker_unavailable", details: { status } });
  });
}

Deno.test("a broker that is not there is unavailable", async () => {
  const { client, heard, signal } = broker(new TypeError("connection refused"));

  await assert.rejects(client.beat(AGENT, {}, signal), {
    code: "broker_unavailable",
    message: `Cannot POST agents/${AGENT}/heartbeat: no answer came`,
  });
  assert.equal(heard[0]?.code, "broker_unavailable");
});

Deno.test("every exchange says whether the broker is connected, an answer of 304 being one and a refusal none", async () => {
  const { client, connected, signal } = broker({ status: 304 }, new TypeError("refused"), {}, { status: 404 });
  await client.poll(AGENT, "tag", signal);
  await client.beat(AGENT, {}, signal).catch(() => {});
  await client.beat(AGENT, {}, signal);
  await client.beat(AGENT, {}, signal).catch(() => {});

  assert.deepEqual(connected, [1, 0, 1, 0]);
});

Deno.test("a broker that does not answer is unavailable when the deadline has passed", async () => {
  const { client, clock, signal } = broker("hangs");
  const beat = assert.rejects(client.beat(AGENT, {}, signal), { code: "broker_unavailable" });

  await clock.advance(REQUEST_TIMEOUT_MS);

  await beat;
});

Deno.test("an exchange that the agent itself ends is not heard as the broker's failure", async () => {
  const { client, clock, heard } = broker("hangs");
  const stop = new AbortController();
  const beat = assert.rejects(client.beat(AGENT, {}, stop.signal), { message: "stopping" });
  await clock.settle();

  stop.abort(new Error("stopping"));

  await beat;
  assert.deepEqual(heard, []);
  assert.equal(clock.pending, 0);
});

Deno.test("fetchBundle() gives the raw bytes' text when their checksum matches", async () => {
  const yaml = "kind: Ä\n";
  const { client, asked, signal } = broker({ body: yaml });

  assert.equal(await client.fetchBundle({ id: STACK, checksum: await sha256Hex(yaml) }, signal), yaml);
  assert.equal(asked[0]?.headers.get("accept"), "application/yaml");
});

Deno.test("fetchBundle() refuses bytes whose checksum does not match", async () => {
  const { client, signal } = broker({ body: "kind: B\n" });
  const checksum = await sha256Hex("kind: A\n");

  await assert.rejects(client.fetchBundle({ id: STACK, checksum }, signal), { code: "broker_unavailable" });
});

Deno.test("identify() gives the agent of the key with the broker's names for it", async () => {
  const names = { name: "edge", cluster_name: "prod" };
  const { client, signal } = broker({ body: { admin: false, agent: AGENT, readonly: false } }, { body: names });

  assert.deepEqual(await client.identify(signal), { id: AGENT, name: "edge", clusterName: "prod" });
});

Deno.test("identify() refuses a key that is not an agent's", async () => {
  const { client, signal } = broker({ body: { admin: true, readonly: false } });

  await assert.rejects(client.identify(signal), { code: "broker_rejected" });
});

Deno.test("register() takes consent already given as success", async () => {
  const { client, asked, signal } = broker({ status: 409 });

  await client.register({ agentId: AGENT, generatorId: STACK }, signal);

  assert.equal(asked[0]?.path, `/base/api/v1/generators/${STACK}/register`);
  assert.deepEqual(JSON.parse(asked[0]?.body ?? ""), { agent_id: AGENT });
});

Deno.test("awaitChange() says what it came to, and nothing of whether the broker is there", async () => {
  const stopping = { status: 204, headers: { "retry-after": "7" } };
  const replies: Reply[] = [{ body: { revision: 4 } }, { status: 204 }, stopping, { status: 404 }, { status: 503 }];
  const { client, asked, heard, connected, signal } = broker(...replies);
  const wait = () => client.awaitChange({ agentId: AGENT, since: 3 }, signal);

  const answers = [await wait(), await wait(), await wait(), await wait()];

  await assert.rejects(wait(), { code: "broker_unavailable" });
  assert.deepEqual(answers, [
    { kind: "changed" },
    { kind: "unchanged", pauseMs: 0 },
    { kind: "unchanged", pauseMs: 7_000 },
    { kind: "unknown" },
  ]);
  assert.equal(asked[0]?.path, `/base/api/v1/agents/${AGENT}/changes`);
  assert.deepEqual([heard, connected], [[], []]);
});

Deno.test("awaitChange() is given up only after the time for which the broker holds it", async () => {
  const { client, clock, signal } = broker("hangs");

  const waited = assert.rejects(client.awaitChange({ agentId: AGENT, since: 3 }, signal), {
    code: "broker_unavailable",
  });
  await clock.advance(25_000 + REQUEST_TIMEOUT_MS - 1);
  const held = clock.pending;
  await clock.advance(1);

  await waited;
  assert.equal(held, 1);
});
