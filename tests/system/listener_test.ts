import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { metricsHandler } from "$lib/exposition.ts";
import type { LogFields } from "$lib/log.ts";
import { counter, createRegistry } from "$lib/metrics.ts";
import { listen, type Listener, type TlsOptions } from "$lib/serve/listener.ts";
import { type AnsweredRequest, type Application, createRequestHandler } from "$lib/serve.ts";
import { makeAuthority, tlsFiles } from "../fakes/certificates.ts";
import { eventually } from "./wait.ts";

const METRICS = { one: counter({ name: "one_total", help: "One." }) };
const nothing = () => {};

/** How a listener speaks, and how clients reach it. */
interface Way {
  /** Undefined where it speaks plain HTTP. */
  readonly tls?: TlsOptions;
  readonly client?: Deno.HttpClient;
  /** The loopback address of the family by which a client comes; that of IPv4 when left out. */
  readonly from?: string;
}

const AUTHORITY = await makeAuthority("Test CA");

/** Tries a claim over plain HTTP and over TLS. */
function test(claim: string, body: (way: Way) => Promise<void>): void {
  Deno.test(`${claim}, over plain HTTP`, () => body({}));
  Deno.test(`${claim}, over TLS`, async () => {
    await using files = await tlsFiles(await AUTHORITY.issue());
    using client = Deno.createHttpClient({ caCerts: [AUTHORITY.cert] });
    await body({ tls: files.tls, client });
  });
}

/** A listener on a free port, with everything that a program's has. */
async function start({ tls, client }: Way, application: Application) {
  const clock = systemClock();
  const [warnings, errors]: [string[], unknown[]] = [[], []];
  const log = {
    ...{ debug: nothing, info: nothing },
    warn: (message: string) => warnings.push(message),
    error: (_: string, fields?: LogFields) => errors.push(fields?.error),
  };
  const registry = createRegistry({ clock, log });
  registry.register(METRICS).one.add(1);
  const answered: AnsweredRequest[] = [];
  const host = createRequestHandler({
    application,
    readiness: () => Promise.resolve({ isReady: true, text: "Ready" }),
    metrics: metricsHandler(registry, log),
    onAnswered: (one) => answered.push(one),
    clock,
    log,
  });
  const listener = await listen(host, { hostname: "127.0.0.1", port: 0, tls, clock, log });
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${listener.port}`;
  const ask = (path = "", init: RequestInit = {}) => fetch(`${url}${path}`, { ...init, ...client && { client } });
  return { listener, ask, answered, warnings, errors, host, clock, log };
}

async function observed(answered: readonly AnsweredRequest[], count: number): Promise<readonly AnsweredRequest[]> {
  return await eventually(`${count} are observed`, () => answered.length >= count && answered);
}

test("listen() names the port that is in use", async (way) => {
  const { listener, host, clock, log } = await start(way, () => new Response());
  const { port } = listener;

  await assert.rejects(
    () => listen(host, { tls: way.tls, hostname: "127.0.0.1", port, clock, log }),
    (error) =>
      error instanceof Failure && error.code === "cannot_listen" &&
      error.message === `Cannot listen on 127.0.0.1:${port}: the port is in use`,
  );
  await listener.stop(1_000);
});

test("listen() names an address that is not one of this machine", async (way) => {
  const { listener, host, clock, log } = await start(way, () => new Response());
  const stopped = listener.stop(1_000);

  await assert.rejects(
    () => listen(host, { tls: way.tls, hostname: "192.0.2.1", port: 0, clock, log }),
    { message: "Cannot listen on 192.0.2.1:0: the address is not one of this machine" },
  );
  return stopped;
});

test("listen() on :: answers who comes by IPv4 and by IPv6, where the machine has both", async (way) => {
  const families = Deno.networkInterfaces().map(({ family }) => family);
  if (!families.includes("IPv6")) return;
  const { listener, host, clock, log } = await start(way, () => new Response());
  const both = await listen(host, { tls: way.tls, hostname: "::", port: 0, clock, log });
  const head = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

  const statuses = await Promise.all(["127.0.0.1", "::1"].map((from) => statusOf(head, both, { ...way, from })));

  assert.deepEqual(statuses, [200, 200]);
  await Promise.all([listener.stop(1_000), both.stop(1_000)]);
});

test("listen() serves a page over the wire: compressed on request, without a body for HEAD", async (way) => {
  const { listener, ask } = await start(way, () => new Response());

  const zipped = await ask("/metrics");
  const head = await ask("/metrics", { method: "HEAD" });

  assert.match(await zipped.text(), /^one_total 1$/m);
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.equal(head.headers.get("content-type"), zipped.headers.get("content-type"));
  await listener.stop(1_000);
});

test("a listener keeps a body back from HEAD, and says its length", async (way) => {
  const { listener, ask } = await start(way, () => new Response("twelve bytes"));

  const head = await ask("/anything", { method: "HEAD" });

  assert.deepEqual([await head.text(), head.headers.get("content-length")], ["", "12"]);
  await listener.stop(1_000);
});

test("a listener answers 400 to a host or a target that makes no address, and it is nobody's error", async (way) => {
  const { listener, answered, errors } = await start(way, ({ url }) => new Response(new URL(url).pathname));
  const heads = [
    ...["a b", "[::1", "%", "a:99999", "a/../b", "a@b:c", "<x>"].map((host) => `GET /things HTTP/1.1\r\nHost: ${host}`),
    ...["*", "http://[::1", "x:443", "//", "http://a b/"].map((target) => `OPTIONS ${target} HTTP/1.1\r\nHost: a`),
  ];

  const statuses = await Promise.all(
    heads.map((head) => statusOf(`${head}\r\nConnection: close\r\n\r\n`, listener, way)),
  );

  const unlike = statuses.map((status, at) => `${heads[at]}: ${status}`).filter((said) => !/: (200|400)$/.test(said));
  assert.deepEqual([unlike, errors], [[], []]);
  assert.deepEqual(statuses.slice(0, 4), [400, 400, 400, 400]);
  assert.ok(answered.every(({ endpoint }) => endpoint === "unmatched"));
  await listener.stop(1_000);
});

test("a listener says what is wrong with an address as all errors are said, and changes neither method nor path", async (way) => {
  const { listener } = await start(way, ({ method, url }) => new Response(`${method} ${new URL(url).pathname}`));
  const heads = ["GET / HTTP/1.1\r\nHost: a b", "TRACE /x HTTP/1.1\r\nHost: a", "GET //b/c HTTP/1.1\r\nHost: a"];

  const texts = await Promise.all(heads.map((head) => heardOf(`${head}\r\nConnection: close\r\n\r\n`, listener, way)));

  const [bodies, [first]] = [texts.map((text) => text.slice(text.indexOf("\r\n\r\n") + 4)), texts];
  assert.match(first ?? "", /^HTTP\/1\.1 400 [^]*content-type: application\/json/i);
  assert.equal(JSON.parse(bodies[0] ?? "").code, "invalid_parameters");
  assert.deepEqual(bodies.slice(1), ["TRACE /x", "GET //b/c"]);
  await listener.stop(1_000);
});

/** The status that bytes are answered with. */
async function statusOf(head: string, listener: Listener, way: Way): Promise<number> {
  return Number((await heardOf(head, listener, way)).split(" ")[1]);
}

/** What bytes are answered with, on a connection that ends with that. */
async function heardOf(
  head: string,
  { port }: Pick<Listener, "port">,
  { tls, from = "127.0.0.1" }: Way,
): Promise<string> {
  const plain = await Deno.connect({ hostname: from, port });
  const connection = tls === undefined
    ? plain
    : await Deno.startTls(plain, { hostname: "127.0.0.1", caCerts: [AUTHORITY.cert] });
  await connection.write(new TextEncoder().encode(head));
  let text = "";
  try {
    for await (const piece of connection.readable.pipeThrough(new TextDecoderStream())) text += piece;
  } catch (error) {
    if (!(error instanceof Deno.errors.UnexpectedEof)) throw error; // it need not say goodbye
  }
  return text;
}

test("a listener observes 499 when the client leaves before there is an answer", async (way) => {
  const [asked, left] = [Promise.withResolvers<void>(), new AbortController()];
  const { listener, ask, answered } = await start(way, (request) => {
    asked.resolve();
    return new Promise((resolve) => request.signal.addEventListener("abort", () => resolve(new Response())));
  });
  const request = ask("", { signal: left.signal });
  await asked.promise;

  left.abort();

  await assert.rejects(request);
  assert.deepEqual((await observed(answered, 1)).map(({ status }) => status), [499]);
  await listener.stop(1_000);
});

test("stop() lets requests in flight finish, answers 503 to others, and ends", async (way) => {
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { listener, ask, warnings, answered } = await start(way, async () => {
    asked.resolve();
    await go.promise;
    return new Response("finished");
  });
  const inFlight = ask().then((response) => response.text());
  await asked.promise;

  const stopped = listener.stop(60_000);
  const late = await ask();
  const { code } = await late.json();
  go.resolve();

  assert.deepEqual([late.status, code, await inFlight], [503, "unavailable", "finished"]);
  await stopped;
  assert.deepEqual(warnings, []);
  assert.deepEqual((await observed(answered, 2)).map(({ status }) => status), [503, 200]);
  await assert.rejects(ask(), TypeError);
});

test("stop() lets a request finish whose body is still coming", async (way) => {
  const asked = Promise.withResolvers<void>();
  const { listener, ask } = await start(way, async (request) => {
    asked.resolve();
    return new Response(await request.text());
  });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const inFlight = ask("", { method: "POST", body: readable }).then((response) => response.text());
  await writer.write(new TextEncoder().encode("first "));
  await asked.promise;

  const stopped = listener.stop(60_000);
  await writer.write(new TextEncoder().encode("second"));
  await writer.close();

  assert.equal(await inFlight, "first second");
  await stopped;
});

test("stop() answers 503 to requests that take longer than the grace, and says so", async (way) => {
  const asked = Promise.withResolvers<void>();
  const { listener, ask, warnings, answered } = await start(way, () => {
    asked.resolve();
    return new Promise(() => {});
  });
  const inFlight = ask();
  await asked.promise;

  await listener.stop(50);

  const response = await inFlight;
  assert.deepEqual([response.status, (await response.json()).code], [503, "unavailable"]);
  assert.deepEqual((await observed(answered, 1)).map(({ status }) => status), [503]);
  assert.deepEqual(warnings, ["requests in flight were cut off"]);
});

test("stop() does not wait for connections that are kept alive without a request", async (way) => {
  const { listener, ask } = await start(way, () => new Response("x"));
  await (await ask()).text();

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
