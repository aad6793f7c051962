import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Failure } from "$lib/error.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { countingMetrics } from "../../tests/fakes/counting_metrics.ts";
import type { HttpAnswer } from "./exchange.ts";
import { createScheduler, type SchedulerLimits } from "./scheduler.ts";
import { createSender, type Meter, metered, type NamedRequest, requestHeaders } from "./sender.ts";
import type { KubernetesOperation } from "./types.ts";

const GET: NamedRequest = { operation: "get", method: "GET", path: "/version", headers: {}, what: "read the version" };
const PATCH: NamedRequest = { ...GET, operation: "apply", method: "PATCH", what: 'apply ConfigMap "a"' };
const OK: HttpAnswer = { status: 200, headers: {}, text: "{}" };

function authorize() {
  return Promise.resolve({ authorization: "Bearer t" });
}

function refusal(status: number, reason: string, headers: Record<string, string> = {}): HttpAnswer {
  return { status, headers, text: JSON.stringify({ kind: "Status", reason, message: `it says ${reason}` }) };
}

/** What a sender waits and decides with. */
function partsWith(clock = new ManualClock(), limits: Partial<SchedulerLimits> = {}) {
  return { clock, random: () => 0.5, log: silentLog(), scheduler: createScheduler({ inFlight: 4, ...limits }, clock) };
}

function senderOver(...answers: readonly (HttpAnswer | Error)[]) {
  return limitedSender({}, answers);
}

function limitedSender(limits: Partial<SchedulerLimits>, answers: readonly (HttpAnswer | Error)[]) {
  const clock = new ManualClock({ skipsSleeps: true });
  const { metrics, counts } = countingMetrics();
  const left = [...answers];
  const exchange = () => {
    const next = left.shift() ?? new TypeError("connection refused");
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  const send = createSender({ exchange, authorize, metrics, ...partsWith(clock, limits) });
  return { send, clock, counts, left };
}

Deno.test("createSender() counts every try, and that nothing is there to be read as an answer", async () => {
  const { send, counts } = senderOver(
    new TypeError("reset"),
    refusal(503, "ServiceUnavailable"),
    OK,
    refusal(404, "NotFound"),
  );

  await send(GET);
  await assert.rejects(send(GET), { code: "kubernetes_rejected" });

  assert.deepEqual(counts(), { "get error": 2, "get success": 2 });
});

Deno.test("createSender() sends a probe once, and past the limit of requests per second", async () => {
  const { clock, counts, send } = limitedSender({ qps: 1, burst: 1 }, [OK, new TypeError("refused"), OK]);

  await send(GET);
  await assert.rejects(send({ ...GET, isProbe: true }), { code: "kubernetes_unavailable" });

  assert.deepEqual(clock.slept, []);
  assert.deepEqual(counts(), { "get success": 1, "get error": 1 });
});

Deno.test("createSender() gives up after five tries, with the status of the last", async () => {
  const { send, clock, counts } = senderOver(...Array.from({ length: 9 }, () => refusal(500, "InternalError")));

  await assert.rejects(send(GET), {
    code: "kubernetes_unavailable",
    message: "Cannot read the version: it says InternalError",
    details: { status: 500, reason: "InternalError", message: "it says InternalError" },
  });

  assert.deepEqual(counts(), { "get error": 5 });
  assert.deepEqual(clock.slept, [200, 400, 800, 1600]);
});

Deno.test("createSender() says that the API server does not answer when no try got an answer", async () => {
  const { send } = senderOver();

  await assert.rejects(send(GET), {
    code: "kubernetes_unavailable",
    message: "Cannot read the version: the API server does not answer",
    details: undefined,
  });
});

for (
  const message of [
    "failed to create typed patch object (a/b; /v1, Kind=Secret): x",
    "failed to prune fields: failed to convert merged object to last applied version: .spec.b: field not declared",
    "request to convert CR to an invalid group/version: example.org/v1beta1",
  ]
) {
  Deno.test(`createSender() takes a 500 that stays as a refusal, and does not repeat it: ${message}`, async () => {
    const text = JSON.stringify({ kind: "Status", message });
    const { send, counts } = senderOver({ status: 500, headers: {}, text });

    await assert.rejects(send(PATCH), { code: "kubernetes_rejected" });

    assert.deepEqual(counts(), { "apply error": 1 });
  });
}

for (
  const [status, message] of [
    [
      500,
      'failed calling webhook "a.b": failed to call webhook: Post "https://b/?timeout=30s": context deadline exceeded',
    ],
    [
      500,
      'conversion webhook for a/v1 failed: Post "https://b": net/http: request canceled (Client.Timeout exceeded while',
    ],
    [504, "Timeout: request did not complete within requested timeout - context deadline exceeded"],
  ] as const
) {
  Deno.test(`createSender() asks once where the API server has waited in vain: ${message}`, async () => {
    const text = JSON.stringify({ kind: "Status", message });
    const { send, counts } = senderOver({ status, headers: {}, text });

    await assert.rejects(send(PATCH), { code: "kubernetes_unavailable", details: { status, reason: "", message } });

    assert.deepEqual(counts(), { "apply error": 1 });
  });
}

Deno.test("createSender() asks again where a webhook could not be reached, whose address says how long it is waited for", async () => {
  const message = 'failed calling webhook "a.b": Post "https://b/?timeout=30s": dial tcp: connect: connection refused';
  const { send } = senderOver({ status: 500, headers: {}, text: JSON.stringify({ kind: "Status", message }) }, OK);

  assert.deepEqual(await send(PATCH), OK);
});

Deno.test("createSender() sends twice what nothing answers in time: the second may go over another connection", async () => {
  const silence = () => new DOMException("Timed out after 40000 ms", "TimeoutError");
  const { send, counts } = senderOver(
    new TypeError("reset"),
    silence(),
    OK,
    silence(),
    new TypeError("reset"),
    silence(),
    OK,
  );

  await send(PATCH);
  await assert.rejects(send(PATCH), { message: 'Cannot apply ConfigMap "a": the API server does not answer' });

  assert.deepEqual(counts(), { "apply error": 5, "apply success": 1 });
});

Deno.test("createSender() waits as long as Retry-After says, and its own pause on top", async () => {
  const { send, clock } = senderOver(
    refusal(429, "TooManyRequests", { "retry-after": "3" }),
    refusal(429, "TooManyRequests", { "retry-after": "10" }),
    OK,
  );

  await send(GET);

  assert.deepEqual(clock.slept, [3_200, 10_400]);
});

Deno.test("createSender() gives up at once when it is to wait longer than ten seconds", async () => {
  const { send, clock, counts } = senderOver(refusal(429, "TooManyRequests", { "retry-after": "11" }), OK);

  await assert.rejects(send(GET), { code: "kubernetes_unavailable" });

  assert.deepEqual([clock.slept, counts()], [[], { "get error": 1 }]);
});

Deno.test("createSender() repeats a patch that met another writer, and no other refusal", async () => {
  const { send, counts, left } = senderOver(
    refusal(409, "Conflict"),
    OK,
    refusal(422, "Invalid"),
    refusal(409, "Conflict"),
  );

  await send(PATCH);
  await assert.rejects(send(PATCH), {
    code: "kubernetes_rejected",
    details: { status: 422, reason: "Invalid", message: "it says Invalid" },
  });
  await assert.rejects(send({ ...GET, operation: "delete", method: "DELETE" }), { code: "kubernetes_rejected" });

  assert.deepEqual(counts(), { "apply refused": 2, "apply success": 1, "delete refused": 1 });
  assert.equal(left.length, 0);
});

Deno.test("createSender() does not repeat what met the same conflict again: a JSON patch, an apply without force, a patch of one version", async () => {
  const text = JSON.stringify({ kind: "Status", reason: "Conflict", message: "Apply failed with 1 conflict: …" });
  const conflict = refusal(409, "Conflict");
  const { send, counts } = senderOver(conflict, { status: 409, headers: {}, text }, conflict);
  const headers = { "content-type": "application/json-patch+json" };

  await assert.rejects(send({ ...PATCH, operation: "patch", headers }), { code: "kubernetes_rejected" });
  await assert.rejects(send(PATCH), { code: "kubernetes_rejected" });
  await assert.rejects(send({ ...PATCH, operation: "patch", isConditional: true }), { code: "kubernetes_rejected" });

  assert.deepEqual(counts(), { "patch refused": 2, "apply refused": 1 });
});

Deno.test("createSender() asks who it is anew where the API server does not know it, once, and calls that no refusal", async () => {
  for (const isProbe of [false, true]) {
    const clock = new ManualClock({ skipsSleeps: true });
    const { metrics, counts } = countingMetrics();
    const answers = [refusal(401, "Unauthorized"), OK, refusal(401, "Unauthorized"), refusal(401, "Unauthorized")];
    const asked: boolean[] = [];
    const exchange = () => Promise.resolve(answers.shift() ?? assert.fail("it is asked again"));
    const authorizing = (isRefused = false) => {
      asked.push(isRefused);
      return authorize();
    };
    const send = createSender({ exchange, authorize: authorizing, metrics, ...partsWith(clock) });

    await send({ ...GET, isProbe });
    await assert.rejects(send({ ...GET, isProbe }), { code: "kubernetes_unavailable" });

    assert.deepEqual(asked, [false, true, false, true]);
    assert.deepEqual([counts(), clock.slept], [{ "get error": 3, "get success": 1 }, []]);
  }
});

Deno.test("createSender() ends with the signal's reason, and tries no more", async () => {
  const { counts, metrics } = countingMetrics();
  const stopping = new AbortController();
  const exchange = () => {
    stopping.abort(new Error("stopping"));
    return Promise.reject(new TypeError("reset"));
  };
  const parts = { exchange, authorize, metrics, ...partsWith() };

  await assert.rejects(createSender(parts)(GET, stopping.signal), /stopping/);

  assert.deepEqual(counts(), { "get error": 1 });
});

Deno.test("createSender() counts nothing that it does not send", async () => {
  const { metrics, counts } = countingMetrics();
  const stopping = new AbortController();
  const noToken = new Failure("invalid_settings", "Cannot open Kubernetes: there is no token");
  const parts = { metrics, ...partsWith() };
  const exchange = () => assert.fail("it is sent");
  const send = createSender({ ...parts, exchange, authorize: () => Promise.reject(noToken) });
  const stopped = createSender({
    ...parts,
    exchange,
    authorize: () => {
      stopping.abort(new Error("stopping"));
      return Promise.resolve({});
    },
  });

  await assert.rejects(send(GET), noToken);
  await assert.rejects(stopped(GET, stopping.signal), /stopping/);
  await assert.rejects(stopped(GET, stopping.signal), /stopping/);

  assert.deepEqual(counts(), {});
});

Deno.test("createSender() has a write wait for what it comes after, in nobody's place, and reads and dry runs go at once", async () => {
  const { metrics, counts } = countingMetrics();
  const exchange = () => Promise.resolve(OK);
  const send = createSender({ exchange, authorize, metrics, ...partsWith(new ManualClock(), { inFlight: 1 }) });
  const { promise, resolve: recorded } = Promise.withResolvers<void>();
  const writesAfter = () => promise;

  const write = send({ ...PATCH, writesAfter });
  await send({ ...GET, writesAfter });
  await send({ ...PATCH, operation: "dry_run", writesAfter });
  const early = counts();
  recorded();
  await write;

  assert.deepEqual([early, counts()], [{ "get success": 1, "dry_run success": 1 }, { "apply success": 1 }]);
});

Deno.test("createSender() sends no write whose condition fails, nor one that is given up before it holds", async () => {
  const { metrics, counts } = countingMetrics();
  const send = createSender({ exchange: () => assert.fail("it is sent"), authorize, metrics, ...partsWith() });
  const stopping = new AbortController();

  const failed = send({ ...PATCH, writesAfter: () => Promise.reject(new Error("not recorded")) });
  const givenUp = send({ ...PATCH, writesAfter: () => new Promise(() => {}) }, stopping.signal);
  stopping.abort(new Error("stopping"));

  await assert.rejects(failed, /not recorded/);
  await assert.rejects(givenUp, /stopping/);
  assert.deepEqual(counts(), {});
});

Deno.test("createSender() cuts a read short when the signal aborts, and counts nothing: it has not ended", async () => {
  const { send, counts, stopping } = hanging();
  const sent = assert.rejects(send(GET, stopping.signal), /stopping/);
  await setImmediate();

  stopping.abort(new Error("stopping"));

  await sent;
  assert.deepEqual(counts(), {});
});

Deno.test("createSender() waits for the answer to a write even when the signal aborts", async () => {
  const { send, counts, stopping, answer } = hanging();
  const sent = send(PATCH, stopping.signal);
  await setImmediate();

  stopping.abort(new Error("stopping"));
  answer(OK);

  assert.equal(await sent, OK);
  assert.deepEqual(counts(), { "apply success": 1 });
});

Deno.test("createSender() tries a write no more when the signal has aborted", async () => {
  const { send, counts, stopping, answer } = hanging();
  const sent = assert.rejects(send(PATCH, stopping.signal), /stopping/);
  await setImmediate();

  stopping.abort(new Error("stopping"));
  answer(refusal(503, "ServiceUnavailable"));

  await sent;
  assert.deepEqual(counts(), { "apply error": 1 });
});

/** An API server that answers when it is told to, and no request that is cut short. */
function hanging() {
  const { metrics, counts } = countingMetrics();
  const { promise, resolve: answer } = Promise.withResolvers<HttpAnswer>();
  const exchange = (_: unknown, signal?: AbortSignal) =>
    Promise.race([
      promise,
      new Promise<HttpAnswer>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    ]);
  const send = createSender({ exchange, authorize, metrics, ...partsWith() });
  return { send, counts, answer, stopping: new AbortController() };
}

Deno.test("metered() tells an answer that says no to one object from one that says nothing of it", async () => {
  const results = async (operation: KubernetesOperation) => {
    const counted: string[] = [];
    const meter: Meter = (_, { result }) => counted.push(result);
    for (const status of [200, 201, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 500, 503]) {
      const send = () => Promise.resolve({ status });
      await metered({ operation }, { send, clock: new ManualClock(), meter, signal: undefined });
    }
    const reset = () => Promise.reject(new TypeError("reset"));
    await assert.rejects(metered({ operation }, { send: reset, clock: new ManualClock(), meter, signal: undefined }));
    return counted.map(([initial]) => initial).join("");
  };

  for (const operation of ["get", "list", "watch", "delete"] as const) {
    assert.equal(await results(operation), "ssrersrerrrrreeee", operation);
  }
  for (const operation of ["apply", "create", "dry_run", "patch"] as const) {
    assert.equal(await results(operation), "ssrerrrerrrrreeee", operation);
  }
});

Deno.test("requestHeaders() of a user of its own says nothing of whom the credentials ask as", () => {
  const asking = { authorization: "Bearer t", "Impersonate-User": "ops", "impersonate-group": "admins" };

  assert.deepEqual(requestHeaders(GET, asking), asking);
  assert.deepEqual(requestHeaders({ ...GET, impersonate: "brokkr:generator:1" }, asking), {
    authorization: "Bearer t",
    "impersonate-user": "brokkr:generator:1",
  });
});

Deno.test("createSender() takes nobody's place while it pauses, and slows a stack that was told to wait, and nothing else", async () => {
  const clock = new ManualClock();
  const { metrics } = countingMetrics();
  const asked: string[] = [];
  const slowedPaths = new Set(["/a1", "/convs"]);
  const exchange = ({ path }: { readonly path: string }) => {
    asked.push(path);
    return Promise.resolve(slowedPaths.delete(path) ? refusal(429, "TooManyRequests", { "retry-after": "3" }) : OK);
  };
  const send = createSender({ exchange, authorize, metrics, ...partsWith(clock, { inFlight: 1 }) });
  const ask = (stackId: string | undefined, path: string) =>
    send({ ...GET, path, ...(stackId === undefined ? {} : { stackId }) });

  const slowed = [ask("a", "/a1"), ask(undefined, "/convs")];
  await clock.settle();
  const others = [ask("a", "/a2"), ask("b", "/b1"), ask("b", "/b2"), ask(undefined, "/record")];
  await clock.advance(2_999);
  const before = [...asked].sort();
  await clock.advance(1_000);

  await Promise.all([...slowed, ...others]);
  assert.deepEqual(before, ["/a1", "/b1", "/b2", "/convs", "/record"]);
  assert.deepEqual(asked.slice(before.length).sort(), ["/a1", "/a2", "/convs"]);
});
