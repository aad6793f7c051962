import assert from "node:assert/strict";
import type { Header } from "$lib/settings/headers.ts";
import { createOtlpSender, type OtlpTarget } from "$lib/telemetry/otlp.ts";
import { makeAuthority } from "../../tests/fakes/certificates.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { noClient, noConnection, OtlpReceiver, silence } from "../../tests/fakes/otlp_receiver.ts";
import { field, joined, numberField } from "../../tests/fakes/protobuf_writer.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";

const PAYLOAD = new Uint8Array([10, 3, 1, 2, 3]);
const TARGET: OtlpTarget = {
  url: new URL("https://collector.example/v1/metrics"),
  headers: [["x-tenant", "a"], ["api-key", "from-settings"]],
  signalHeaders: [],
  headersFile: undefined,
  caFile: undefined,
  clientCertFile: undefined,
  clientKeyFile: undefined,
  compression: "gzip",
  maxBytes: 500_000,
  timeoutMs: 10_000,
};

function start(target: Partial<OtlpTarget> = {}) {
  const clock = new ManualClock();
  const receiver = new OtlpReceiver();
  const files = new Map<string, string>();
  const secrets: string[] = [];
  const made: Deno.CreateHttpClientOptions[] = [];
  const sender = createOtlpSender({ ...TARGET, ...target }, {
    fetch: receiver.fetch,
    ...{ clock, random: () => 0.5, log: silentLog(), env: {}, userAgent: "brokkr-broker/1" },
    onSecret: (value) => secrets.push(value),
    readFile: (path) => {
      const text = files.get(path);
      return text === undefined ? Promise.reject(new Error("No such file")) : Promise.resolve(text);
    },
    makeClient(options) {
      made.push(options);
      return noClient();
    },
  });
  return { sender, receiver, clock, files, secrets, made };
}

/** What a send comes to when `ms` milliseconds pass. */
async function within<T>(clock: ManualClock, ms: number, work: Promise<T>): Promise<T | "waits"> {
  await clock.advance(ms);
  await clock.settle();
  return await Promise.race([work, Promise.resolve("waits" as const)]);
}

function answer(status: number, headers: Record<string, string> = {}) {
  return () => new Response(null, { status, headers });
}

Deno.test("send() posts compressed protobuf with its headers, and follows no redirect", async () => {
  const { sender, receiver } = start();

  assert.deepEqual(await sender.send(PAYLOAD), { kind: "accepted", body: new Uint8Array() });

  const [request] = receiver.requests;
  assert.deepEqual([request?.url, request?.method], ["https://collector.example/v1/metrics", "POST"]);
  assert.deepEqual([request?.redirect, request?.body], ["manual", PAYLOAD]);
  assert.deepEqual(Object.fromEntries(request?.headers ?? []), {
    "api-key": "from-settings",
    "content-encoding": "gzip",
    "content-type": "application/x-protobuf",
    "user-agent": "brokkr-broker/1",
    "x-tenant": "a",
  });
});

Deno.test("send() posts what it is given as it is where nothing is to be compressed", async () => {
  const { sender, receiver } = start({ compression: "none" });

  await sender.send(PAYLOAD);

  assert.deepEqual(receiver.requests.map(({ headers, body }) => [headers.get("content-encoding"), body]), [[
    null,
    PAYLOAD,
  ]]);
});

Deno.test("send() takes a header of the signal before one of the file before one of all, and says what is secret", async () => {
  const signalHeaders: Header[] = [["x-tenant", "signal"]];
  const { sender, receiver, files, secrets } = start({ headersFile: "/headers", signalHeaders });
  files.set("/headers", "api-key=from%2Cfile\nx-tenant=file\n");

  await sender.send(PAYLOAD);
  files.set("/headers", "api-key=rotated");
  await sender.send(PAYLOAD);

  const sent = receiver.requests.map(({ headers }) => [headers.get("api-key"), headers.get("x-tenant")]);
  assert.deepEqual(sent, [["from,file", "signal"], ["rotated", "signal"]]);
  assert.deepEqual(secrets, ["from,file", "file", "rotated"]);
});

Deno.test("send() fails without a request while the file of headers can't be used", async () => {
  const { sender, receiver, files } = start({ headersFile: "/headers" });
  const absent = await sender.send(PAYLOAD);
  files.set("/headers", "no headers");

  assert.deepEqual([absent, await sender.send(PAYLOAD)], [
    { kind: "failed", reason: "the file that otlp.headers_file names can't be read: No such file" },
    { kind: "failed", reason: "the file that otlp.headers_file names holds no headers" },
  ]);
  assert.equal(receiver.requests.length, 0);
});

Deno.test("send() takes any 2xx for success, and its body where that is protobuf", async () => {
  const { sender, receiver } = start();
  const body = new Uint8Array([10, 0]);
  receiver.answer = () => new Response(body, { headers: { "content-type": "application/x-protobuf" } });
  const protobuf = await sender.send(PAYLOAD);
  receiver.answer = () => Response.json({}, { status: 202 });
  const json = await sender.send(PAYLOAD);
  receiver.answer = () => new Response(new Uint8Array(100_000));
  const tooLong = await sender.send(PAYLOAD);

  assert.deepEqual([protobuf, json, tooLong], [
    { kind: "accepted", body },
    { kind: "accepted", body: new Uint8Array() },
    { kind: "accepted", body: new Uint8Array() },
  ]);
});

for (const status of [301, 302, 307, 308, 300, 304]) {
  Deno.test(`send() fails at once on ${status}, and sends nothing anywhere else`, async () => {
    const { sender, receiver } = start();
    receiver.answer = answer(status, { location: "https://elsewhere.example/" });

    const reason = `status ${status}: redirects are not followed, see otlp.endpoint`;
    assert.deepEqual(await sender.send(PAYLOAD), { kind: "failed", reason });
    assert.equal(receiver.requests.length, 1);
  });
}

const REFUSALS = [
  [400, { kind: "rejected", isTooLarge: false }],
  [403, { kind: "rejected", isTooLarge: false }],
  [413, { kind: "rejected", isTooLarge: true }],
  [500, { kind: "failed" }],
] as const;

for (const [status, answer] of REFUSALS) {
  Deno.test(`send() asks once where the answer is ${status}: ${answer.kind}`, async () => {
    const { sender, receiver } = start();
    receiver.answer = () => new Response("out of order", { status, headers: { "content-type": "text/plain" } });

    assert.deepEqual(await sender.send(PAYLOAD), { ...answer, reason: `status ${status}: "out of order"` });
    assert.equal(receiver.requests.length, 1);
  });
}

const PROTOBUF_TYPE = "application/x-protobuf";
const WORDS: readonly (readonly [what: string, type: string | undefined, body: Uint8Array | string, said: string])[] = [
  ["a Status in protobuf", PROTOBUF_TYPE, joined(numberField(1, 8), field(2, "over quota")), `: "over quota"`],
  ["a protobuf that is none", PROTOBUF_TYPE, "<html>", ""],
  ["no type", undefined, "Client sent HTTP to an HTTPS server.\n", `: "Client sent HTTP to an HTTPS server."`],
  ["a problem in JSON", "application/problem+json", '{"title":"no"}', `: "{"title":"no"}"`],
  ["a page for people", "text/html", "<html>", ""],
];
for (const [what, type, body, said] of WORDS) {
  Deno.test(`send() says why it is refused by the words of ${what}`, async () => {
    const { sender, receiver } = start();
    const headers: HeadersInit = type === undefined ? [] : [["content-type", type]];
    receiver.answer = () => new Response(joined(bytesOf(body)), { status: 400, headers });

    const refused = await sender.send(PAYLOAD);

    assert.deepEqual(refused, { kind: "rejected", isTooLarge: false, reason: `status 400${said}` });
  });
}

function bytesOf(body: Uint8Array | string): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

for (const status of [429, 502, 503, 504]) {
  Deno.test(`send() tries again on ${status}, ever later, until its time is over`, async () => {
    const { sender, receiver, clock } = start();
    receiver.answer = answer(status);

    const answered = await within(clock, 9_999, sender.send(PAYLOAD));

    assert.deepEqual(answered, { kind: "failed", reason: `status ${status}` });
    assert.deepEqual([clock.slept, receiver.requests.length], [[1_000, 2_000, 4_000], 4]);
  });
}

Deno.test("send() tries again where there is no connection, and succeeds once there is one", async () => {
  const { sender, receiver, clock } = start();
  receiver.answer = noConnection;
  const sending = sender.send(PAYLOAD);
  const before = await within(clock, 999, sending);
  receiver.answer = answer(200);

  assert.equal(before, "waits");
  assert.deepEqual(await within(clock, 1, sending), { kind: "accepted", body: new Uint8Array() });
});

Deno.test("send() waits as long as Retry-After says, in seconds or until a date", async () => {
  const seconds = start();
  seconds.receiver.answer = answer(429, { "retry-after": "7" });
  const date = start();
  date.receiver.answer = answer(503, { "retry-after": new Date(date.clock.now() + 6_000).toUTCString() });

  await Promise.all([
    within(seconds.clock, 1, seconds.sender.send(PAYLOAD)),
    within(date.clock, 1, date.sender.send(PAYLOAD)),
  ]);

  assert.deepEqual([seconds.clock.slept, date.clock.slept], [[7_000], [6_000]]);
});

Deno.test("send() gives up at once where Retry-After is longer than the time that is left", async () => {
  for (const after of ["10", "9".repeat(400), "Fri, 31 Dec 9999 23:59:59 GMT"]) {
    const { sender, receiver, clock } = start();
    receiver.answer = answer(429, { "retry-after": after });

    assert.deepEqual(await sender.send(PAYLOAD), { kind: "failed", reason: "status 429" });
    assert.deepEqual(clock.slept, []);
  }
});

Deno.test("send() is never asked to hurry by a Retry-After of 0, of the past or of nonsense", async () => {
  for (const after of ["0", "Thu, 01 Jan 1970 00:00:00 GMT", "-5", "soon"]) {
    const { sender, receiver, clock } = start();
    receiver.answer = answer(503, { "retry-after": after });

    await within(clock, 9_999, sender.send(PAYLOAD));

    assert.deepEqual(clock.slept, [1_000, 2_000, 4_000], after);
  }
});

Deno.test("send() ends a request that is not answered when its time is over", async () => {
  const { sender, receiver, clock } = start();
  receiver.answer = silence;
  const sending = sender.send(PAYLOAD);

  assert.equal(await within(clock, 9_999, sending), "waits");
  assert.deepEqual(await within(clock, 1, sending), { kind: "failed", reason: "Timed out after 10000 ms" });
  assert.equal(clock.pending, 0);
});

Deno.test("send() says why where no connection comes about, in the words of who could not make it", async () => {
  const { sender, receiver, clock } = start();
  receiver.answer = noConnection;
  const sending = sender.send(PAYLOAD);

  await within(clock, 6_999, sending);
  receiver.answer = silence; // the last try has no time left to find it out again

  const reason = "tcp connect error: Connection refused";
  assert.deepEqual(await within(clock, 3_001, sending), { kind: "failed", reason });
});

Deno.test("send() says what to look at where no connection comes about", async () => {
  const { sender, receiver, clock } = start();
  receiver.answer = () => {
    throw new TypeError("error sending request", { cause: new Error("invalid peer certificate: UnknownIssuer") });
  };

  const answered = await within(clock, 10_000, sender.send(PAYLOAD));

  const reason = "the certificate of the receiver is of no authority that is trusted here: see otlp.ca_file";
  assert.deepEqual(answered, { kind: "failed", reason });
});

Deno.test("send() names the settings of the way that it goes", async () => {
  const names = { server: "the broker", authority: "CA", address: "URL", certificate: "CERT" };
  const { sender, receiver, clock } = start({ names });
  receiver.answer = answer(307);
  const redirected = await sender.send(PAYLOAD);
  receiver.answer = () => {
    throw new TypeError("error sending request", { cause: new Error("invalid peer certificate: UnknownIssuer") });
  };
  const unknown = await within(clock, 10_000, sender.send(PAYLOAD));

  assert.deepEqual([redirected, unknown], [
    { kind: "failed", reason: "status 307: redirects are not followed, see URL" },
    { kind: "failed", reason: "the certificate of the broker is of no authority that is trusted here: see CA" },
  ]);
});

Deno.test("send() makes connections anew when the files of their certificates changed", async () => {
  const { sender, files, clock, made } = start({ caFile: "/ca" });
  const [former, next] = [await makeAuthority("former"), await makeAuthority("next")];
  files.set("/ca", former.cert);

  await sender.send(PAYLOAD);
  await clock.advance(5_000);
  files.set("/ca", next.cert);
  await sender.send(PAYLOAD);

  assert.deepEqual(made.map(({ caCerts }) => caCerts), [[former.cert], [next.cert]]);
});

Deno.test("send() goes through the proxy that the environment names for the receiver", async () => {
  const clock = new ManualClock();
  const made: Deno.CreateHttpClientOptions[] = [];
  const sender = createOtlpSender(TARGET, {
    ...{ fetch: new OtlpReceiver().fetch, clock, random: () => 0, log: silentLog(), userAgent: "", onSecret: () => {} },
    env: { HTTPS_PROXY: "http://proxy.example:3128", NO_PROXY: "localhost" },
    makeClient(options) {
      made.push(options);
      return noClient();
    },
  });

  await sender.send(PAYLOAD);

  assert.deepEqual(made, [{ proxy: { url: "http://proxy.example:3128" } }]);
});

Deno.test("hurry() ends a pause at once, and a request that is under way when the time is over", async () => {
  const pausing = start();
  pausing.receiver.answer = answer(503);
  const paused = pausing.sender.send(PAYLOAD);
  await pausing.clock.settle();
  const asking = start();
  asking.receiver.answer = silence;
  const asked = asking.sender.send(PAYLOAD);
  await asking.clock.settle();

  pausing.sender.hurry(3_000);
  asking.sender.hurry(3_000);

  assert.deepEqual(await within(pausing.clock, 0, paused), { kind: "failed", reason: "status 503" });
  assert.equal(await within(asking.clock, 2_999, asked), "waits");
  assert.deepEqual(await within(asking.clock, 1, asked), { kind: "failed", reason: "The program stops" });
});

Deno.test("pass() sends once, and says what the receiver answered, whatever that is", async () => {
  const { sender, receiver } = start();
  const ended = new AbortController().signal;
  const refusal = { status: 429, headers: { "retry-after": "7", "content-type": "text/plain" } };
  receiver.answer = () => new Response("slow down", refusal);

  const refused = await sender.pass(PAYLOAD, ended);
  receiver.answer = () => new Response(PAYLOAD, { status: 202, headers: { "content-type": PROTOBUF_TYPE } });
  const taken = await sender.pass(PAYLOAD, ended);

  receiver.answer = answer(503, { "retry-after": "9".repeat(400) });
  const refusedForLong = await sender.pass(PAYLOAD, ended);

  assert.deepEqual(refused, { status: 429, body: new Uint8Array(), retryAfterMs: 7_000 });
  assert.deepEqual(refusedForLong, { status: 503, body: new Uint8Array(), retryAfterMs: 86_400_000 });
  assert.deepEqual(taken, { status: 202, body: PAYLOAD, retryAfterMs: 0 });
  assert.deepEqual(receiver.requests.map(({ body, redirect }) => [body, redirect]), [
    [PAYLOAD, "manual"],
    [PAYLOAD, "manual"],
    [PAYLOAD, "manual"],
  ]);
});

Deno.test("pass() rejects where no answer comes in time, or whoever asked has left", async () => {
  const { sender, receiver, clock } = start({ timeoutMs: 3_000 });
  const leaving = new AbortController();
  receiver.answer = silence;

  const late = sender.pass(PAYLOAD, new AbortController().signal).catch((error: Error) => error.name);
  const left = sender.pass(PAYLOAD, leaving.signal).catch((error: Error) => error.name);
  await clock.settle();
  leaving.abort();

  assert.equal(await within(clock, 2_999, late), "waits");
  assert.deepEqual([await left, await within(clock, 1, late)], ["AbortError", "TimeoutError"]);
  receiver.answer = noConnection;
  await assert.rejects(sender.pass(PAYLOAD, new AbortController().signal), TypeError);
});

Deno.test("send() asks for an address and a key at each request, where they are not known from the start", async () => {
  const known: { id?: string; key?: string } = {};
  const { sender, receiver, clock } = start({
    url: () => known.id === undefined ? undefined : new URL(`https://broker.example/${known.id}`),
    key: () => known.key === undefined ? Promise.reject(new Error("no key yet")) : Promise.resolve(known.key),
    ...{ headers: [], timeoutMs: 100 },
  });

  const keyless = await sender.send(PAYLOAD);
  known.key = "first";
  const nobody = await sender.send(PAYLOAD);
  known.id = "a1";
  await clock.advance(10_000);
  await sender.send(PAYLOAD);
  Object.assign(known, { id: "a2", key: "second" });
  await sender.send(PAYLOAD);

  assert.deepEqual([keyless, nobody], [
    { kind: "failed", reason: "no key yet" },
    { kind: "failed", reason: "the broker has not said yet which agent this is" },
  ]);
  assert.deepEqual(receiver.requests.map(({ url, headers }) => [url, headers.get("authorization")]), [
    ["https://broker.example/a1", "Bearer first"],
    ["https://broker.example/a2", "Bearer second"],
  ]);
});
