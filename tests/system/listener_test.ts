import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { metricsHandler } from "$lib/exposition.ts";
import { counter, createRegistry } from "$lib/metrics.ts";
import { listen, type Listener } from "$lib/listener.ts";
import { type AnsweredRequest, type Application, createRequestHandler } from "$lib/serve.ts";

const METRICS = { one: counter({ name: "one_total", help: "One." }) };
const nothing = () => {};

/** A listener on a free port, with everything that a program's has. */
function start(application: Application) {
  const clock = systemClock();
  const warnings: string[] = [];
  const log = { debug: nothing, info: nothing, error: nothing, warn: (message: string) => warnings.push(message) };
  const registry = createRegistry({ clock, log });
  registry.register(METRICS).one.bind().add();
  const answered: AnsweredRequest[] = [];
  const host = createRequestHandler({
    application,
    readiness: () => Promise.resolve({ isReady: true, text: "Ready" }),
    metrics: metricsHandler(registry, log),
    onAnswered: (one) => answered.push(one),
    clock,
    log,
  });
  const listener = listen(host, { hostname: "127.0.0.1", port: 0, clock, log });
  return { listener, url: `http://127.0.0.1:${listener.port}`, answered, warnings, host, clock, log };
}

async function observed(answered: readonly AnsweredRequest[], count: number): Promise<readonly AnsweredRequest[]> {
  while (answered.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  return answered;
}

Deno.test("listen() names the port that is in use", async () => {
  const { listener, host, clock, log } = start(() => new Response());
  const { port } = listener;

  assert.throws(
    () => listen(host, { hostname: "127.0.0.1", port, clock, log }),
    (error) =>
      error instanceof Failure && error.code === "cannot_listen" &&
      error.message === `Cannot listen on 127.0.0.1:${port}: the port is in use`,
  );
  await listener.stop(1_000);
});

Deno.test("listen() names an address that is not one of this machine", () => {
  const { listener, host, clock, log } = start(() => new Response());
  const stopped = listener.stop(1_000);

  assert.throws(
    () => listen(host, { hostname: "192.0.2.1", port: 0, clock, log }),
    { message: "Cannot listen on 192.0.2.1:0: the address is not one of this machine" },
  );
  return stopped;
});

Deno.test("listen() serves a page over the wire: compressed on request, without a body for HEAD", async () => {
  const { listener, url } = start(() => new Response());

  const zipped = await fetch(`${url}/metrics`);
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });

  assert.match(await zipped.text(), /^one_total 1$/m);
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.equal(head.headers.get("content-type"), zipped.headers.get("content-type"));
  await listener.stop(1_000);
});

Deno.test("a listener keeps a body back from HEAD, and says its length", async () => {
  const { listener, url } = start(() => new Response("twelve bytes"));

  const head = await fetch(`${url}/anything`, { method: "HEAD" });

  assert.deepEqual([await head.text(), head.headers.get("content-length")], ["", "12"]);
  await listener.stop(1_000);
});

Deno.test("a listener observes 499 when the client leaves before there is an answer", async () => {
  const [asked, left] = [Promise.withResolvers<void>(), new AbortController()];
  const { listener, url, answered } = start((request) => {
    asked.resolve();
    return new Promise((resolve) => request.signal.addEventListener("abort", () => resolve(new Response())));
  });
  const request = fetch(url, { signal: left.signal });
  await asked.promise;

  left.abort();

  await assert.rejects(request);
  assert.deepEqual((await observed(answered, 1)).map(({ status }) => status), [499]);
  await listener.stop(1_000);
});

Deno.test("stop() lets requests in flight finish, answers 503 to others, and ends", async () => {
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { listener, url, warnings, answered } = start(async () => {
    asked.resolve();
    await go.promise;
    return new Response("finished");
  });
  const inFlight = fetch(url).then((response) => response.text());
  await asked.promise;

  const stopped = listener.stop(10_000);
  const late = await fetch(url);
  const { code } = await late.json();
  go.resolve();

  assert.deepEqual([late.status, code, await inFlight], [503, "unavailable", "finished"]);
  await stopped;
  assert.deepEqual(warnings, []);
  assert.deepEqual((await observed(answered, 2)).map(({ status }) => status), [503, 200]);
  await assert.rejects(fetch(url), TypeError);
});

Deno.test("stop() lets a request finish whose body is still coming", async () => {
  const asked = Promise.withResolvers<void>();
  const { listener, url } = start(async (request) => {
    asked.resolve();
    return new Response(await request.text());
  });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const inFlight = fetch(url, { method: "POST", body: readable }).then((response) => response.text());
  await writer.write(new TextEncoder().encode("first "));
  await asked.promise;

  const stopped = listener.stop(10_000);
  await writer.write(new TextEncoder().encode("second"));
  await writer.close();

  assert.equal(await inFlight, "first second");
  await stopped;
});

Deno.test("stop() answers 503 to requests that take longer than the grace, and says so", async () => {
  const asked = Promise.withResolvers<void>();
  const { listener, url, warnings, answered } = start(() => {
    asked.resolve();
    return new Promise(() => {});
  });
  const inFlight = fetch(url);
  await asked.promise;

  await listener.stop(50);

  const response = await inFlight;
  assert.deepEqual([response.status, (await response.json()).code], [503, "unavailable"]);
  assert.deepEqual((await observed(answered, 1)).map(({ status }) => status), [503]);
  assert.deepEqual(warnings, ["requests in flight were cut off"]);
});

Deno.test("stop() does not wait for connections that are kept alive without a request", async () => {
  const { listener, url } = start(() => new Response("x"));
  await (await fetch(url)).text();

  const result = await withinGrace(listener);

  assert.equal(result, "stopped");
});

async function withinGrace(listener: Listener): Promise<string> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("late"), 30_000);
  const result = await Promise.race([listener.stop(60_000).then(() => "stopped"), late.promise]);
  clearTimeout(timer);
  return result;
}
