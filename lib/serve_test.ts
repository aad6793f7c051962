import assert from "node:assert/strict";
import type { LogFields } from "$lib/log.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import { type AnsweredRequest, createRequestHandler, type RequestHandlerParts } from "$lib/serve.ts";
import { recordedTracing } from "../tests/fakes/recorded_spans.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";

function start(parts: Partial<RequestHandlerParts> = {}) {
  const clock = new ManualClock();
  const answered: AnsweredRequest[] = [];
  const errors: LogFields[] = [];
  const nothing = () => {};
  const log = { debug: nothing, info: nothing, warn: nothing, error: (_: string, fields = {}) => errors.push(fields) };
  const handler = createRequestHandler({
    application: (_, exchange) => {
      exchange.endpoint = "/things/:id";
      return new Response("thing", { status: 201 });
    },
    readiness: () => Promise.resolve({ isReady: true, text: "Ready" }),
    onAnswered: (one) => answered.push(one),
    clock,
    log,
    ...parts,
  });
  const ask = (path: string, init: RequestInit = {}) => handler(new Request(`http://broker${path}`, init));
  return { handler, ask, clock, answered, errors };
}

async function textOf(response: Promise<Response>): Promise<[number, string]> {
  const { status, body } = await response;
  return [status, body === null ? "" : await new Response(body).text()];
}

Deno.test("createRequestHandler() answers /healthz while the process lives, ready or not", async () => {
  const { ask } = start({ readiness: () => Promise.resolve({ isReady: false, text: "Not ready: starting" }) });

  assert.deepEqual(await textOf(ask("/healthz?x=1")), [200, "OK"]);
});

Deno.test("createRequestHandler() answers /readyz with 200 or 503 and what the check says", async () => {
  const ready = start();
  const unready = start({ readiness: () => Promise.resolve({ isReady: false, text: "Not ready: no database" }) });

  assert.deepEqual(await textOf(ready.ask("/readyz")), [200, "Ready"]);
  assert.deepEqual(await textOf(unready.ask("/readyz")), [503, "Not ready: no database"]);
});

Deno.test("createRequestHandler() asks for readiness once in 2 s, however many ask it", async () => {
  let checks = 0;
  const readiness = () => Promise.resolve({ isReady: true, text: `${++checks}` });
  const { ask, clock } = start({ readiness });

  const first = await Promise.all([textOf(ask("/readyz")), textOf(ask("/readyz"))]);
  await clock.advance(1_999);
  const kept = await textOf(ask("/readyz"));
  await clock.advance(1);
  const fresh = await textOf(ask("/readyz"));

  assert.deepEqual([...first, kept, fresh], [[200, "1"], [200, "1"], [200, "1"], [200, "2"]]);
});

Deno.test("createRequestHandler() is not ready when the check fails, and says why without secrets", async () => {
  const { ask, clock } = start({
    readiness: () => Promise.reject(new Error("Cannot reach postgres://me:hunter2@db: refused")),
  });

  const answer = await textOf(ask("/readyz"));

  assert.deepEqual(answer, [503, "Not ready: Cannot reach postgres://me:***@db: refused"]);
  assert.equal(clock.pending, 0);
});

Deno.test("createRequestHandler() answers /metrics by its handler, or by the application where there is none", async () => {
  const on = start({ metrics: () => Promise.resolve(new Response("page")) });
  const off = start({ application: () => new Response("none", { status: 404 }) });

  assert.deepEqual(await textOf(on.ask("/metrics")), [200, "page"]);
  assert.deepEqual(await textOf(off.ask("/metrics")), [404, "none"]);
});

Deno.test("createRequestHandler() finds nothing but the page where it has neither application nor readiness", async () => {
  const { ask } = start({
    application: undefined,
    readiness: undefined,
    metrics: () => Promise.resolve(new Response("page")),
  });

  const answers = ["/metrics", "/healthz", "/readyz", "/things/7"].map((path) => textOf(ask(path)));

  const statuses = (await Promise.all(answers)).map(([status]) => status);
  assert.deepEqual(statuses, [200, 404, 404, 404]);
});

Deno.test("createRequestHandler() allows its own paths GET and HEAD only", async () => {
  const { ask, answered } = start();

  const [head, post] = [await ask("/healthz", { method: "HEAD" }), await ask("/healthz", { method: "POST" })];

  assert.deepEqual([head.status, post.status, post.headers.get("allow")], [200, 405, "GET, HEAD"]);
  assert.equal((await post.json()).code, "method_not_allowed");
  assert.deepEqual(answered.map(({ endpoint }) => endpoint), ["/healthz", "/healthz"]);
});

Deno.test("createRequestHandler() observes each request once, with its template, when it has its answer", async () => {
  const thing = Promise.withResolvers<Response>();
  const { ask, answered, clock } = start({
    application: (_, exchange) => {
      exchange.endpoint = "/things/:id";
      return thing.promise;
    },
  });

  const asked = ask("/things/7", { method: "PUT" });
  await clock.advance(1_500);
  const before = answered.length;
  thing.resolve(new Response("thing", { status: 201 }));
  await asked;

  assert.equal(before, 0);
  const common = { isHeld: false, startMs: 0, span: undefined };
  assert.deepEqual(answered, [
    { ...common, method: "PUT", endpoint: "/things/:id", status: 201, seconds: 1.5 },
  ]);
});

Deno.test("createRequestHandler() ends a request's span with its answer: an error where that is the server's", async () => {
  const { tracing, spans } = recordedTracing();
  const { ask, answered } = start({
    application: ({ url }, exchange) => {
      exchange.span = tracing.begin(`GET ${exchange.startMs}`);
      if (url.endsWith("/bug")) throw new TypeError("bug");
      return new Response(null, { status: Number(url.slice(-3)) });
    },
  });

  for (const path of ["/200", "/404", "/503", "/bug"]) await ask(path);

  const ended = (await spans()).map(({ status, attributes }) => [status, attributes]);
  assert.deepEqual(ended, [
    ["unset", { "http.response.status_code": 200 }],
    ["unset", { "http.response.status_code": 404 }],
    ["error", { "http.response.status_code": 503, "error.type": "503" }],
    ["error", { "http.response.status_code": 500, "error.type": "500" }],
  ]);
  assert.deepEqual(answered.map(({ span }) => span?.hasEnded), [true, true, true, true]);
});

Deno.test("createRequestHandler() calls what no route matches unmatched, and unknown methods OTHER", async () => {
  const { ask, answered } = start({ application: () => new Response(null, { status: 404 }) });

  await ask("/no/such/path", { method: "PURGE" });

  assert.deepEqual(answered.map(({ endpoint, method }) => [endpoint, method]), [["unmatched", "OTHER"]]);
});

Deno.test("createRequestHandler() observes 499, and logs nothing, when the client left before there was an answer", async () => {
  const left = new AbortController();
  const { ask, answered, errors } = start({
    application: (_, exchange) => {
      exchange.endpoint = "/things/:id";
      left.abort();
      throw new Error("aborted");
    },
  });

  await ask("/things/7", { signal: left.signal });

  assert.deepEqual(answered.map(({ status, endpoint }) => [status, endpoint]), [[499, "/things/:id"]]);
  assert.deepEqual(errors, []);
});

Deno.test("createRequestHandler() answers an application's bug with 500, says nothing of it, and logs it", async () => {
  const bug = new Error("the secret cause");
  const { ask, errors } = start({ application: () => Promise.reject(bug) });

  const [status, body] = await textOf(ask("/things/7"));

  assert.equal(status, 500);
  assert.deepEqual(JSON.parse(body), { code: "internal_error", message: "Cannot answer: an internal error" });
  assert.deepEqual(errors, [{ method: "GET", endpoint: "unmatched", error: bug }]);
});

Deno.test("createRequestHandler() answers 503 when the listener can't wait any longer, and waits for nothing once it answered", async () => {
  const waiting = new Set<() => void>();
  const onCutOff = (work: () => void) => {
    waiting.add(work);
    return () => waiting.delete(work);
  };
  const { handler, answered } = start({
    application: ({ url }) => url.endsWith("/slow") ? new Promise(() => {}) : new Response("fast"),
  });

  const fast = await handler(new Request("http://broker/fast"), { onCutOff });
  const afterFast = waiting.size;
  const slow = handler(new Request("http://broker/slow"), { onCutOff });
  for (const cutOff of waiting) cutOff();

  assert.deepEqual([fast.status, afterFast, (await slow).status], [200, 0, 503]);
  assert.equal((await slow).headers.get("retry-after"), "1");
  assert.deepEqual(answered.map(({ status }) => status), [200, 503]);
});

Deno.test("createRequestHandler() refuses long answers to one address beyond those that are being read, never short ones", async () => {
  const bounded: string[] = [];
  const { handler, clock } = start({
    application: ({ url }) => answerOf("x".repeat(Number(new URL(url).pathname.slice(1))), { headers: {} }),
    onBounded: (bound) => bounded.push(bound),
  });
  const ask = async (path: string, connectionFrom: string, method = "GET") =>
    (await handler(new Request(`http://broker${path}`, { method }), { connectionFrom: () => connectionFrom })).status;
  const many = (path: string, method?: string) => Promise.all(Array.from({ length: 17 }, () => ask(path, "a", method)));

  const [heads, long, short] = [await many("/20000", "HEAD"), await many("/20000"), await many("/100")];
  const other = await ask("/20000", "b");
  await clock.advance(10_000);
  const again = await ask("/20000", "a");

  assert.deepEqual([heads, short], [Array(17).fill(200), Array(17).fill(200)]);
  assert.deepEqual(long, [...Array(16).fill(200), 503]);
  assert.deepEqual([other, again], [200, 200]);
  assert.deepEqual(bounded, ["in_flight", ...Array(17).fill("slow_reader")]);
});
