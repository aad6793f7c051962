import assert from "node:assert/strict";
import { connect as connectTls } from "node:tls";
import { type Clock, systemClock } from "$lib/clock.ts";
import { listen, type TlsOptions } from "$lib/serve/listener.ts";
import { type ClientDeadlines, type HttpsHandler, openHttpsServer } from "$lib/serve/https_server.ts";
import { createRequestHandler } from "$lib/serve.ts";
import { readKeyPair } from "$lib/serve/tls_files.ts";
import { type Certificate, makeAuthority, tlsFiles } from "../fakes/certificates.ts";

const FORMER = await makeAuthority("Former CA");
const LATER = await makeAuthority("Later CA");
const REREAD_MS = 10_000;

/** The machine's clock, but for the files: they are read again when the test says so. */
function steeredClock(): { readonly clock: Clock; readonly reread: () => void } {
  const system = systemClock();
  let look = () => {};
  const after: Clock["after"] = (ms, work) => {
    if (ms !== REREAD_MS) return system.after(ms, work);
    look = work;
    return () => {};
  };
  return { clock: { ...system, after }, reread: () => look() };
}

/** A listener with TLS whose requests to `/slow` wait until they are let go. */
async function start(tls: TlsOptions) {
  const { clock, reread } = steeredClock();
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const lines: string[] = [];
  const write = (message: string, fields = {}) => lines.push(`${message} ${Deno.inspect(fields)}`);
  const log = { debug: write, info: write, warn: write, error: write };
  const host = createRequestHandler({
    async application(request) {
      if (!request.url.endsWith("/slow")) return new Response(await request.text());
      asked.resolve();
      await go.promise;
      return new Response("slow");
    },
    readiness: () => Promise.resolve({ isReady: true, text: "Ready" }),
    metrics: () => Promise.resolve(new Response("page")),
    ...{ clock, log },
  });
  const listener = await listen(host, { hostname: "127.0.0.1", port: 0, tls, clock, log });
  return {
    ...{ listener, lines, reread, asked: asked.promise, go: go.resolve },
    /** Over a new connection that trusts this authority alone, and shows this certificate. */
    async ask(caCert: string, path = "/", certificate?: Certificate): Promise<string> {
      using client = Deno.createHttpClient({ caCerts: [caCert], ...certificate });
      return await (await fetch(`https://127.0.0.1:${listener.port}${path}`, { client, method: "POST", body: "hi" }))
        .text();
    },
    async get(caCert: string, path: string): Promise<string> {
      using client = Deno.createHttpClient({ caCerts: [caCert] });
      return await (await fetch(`https://127.0.0.1:${listener.port}${path}`, { client })).text();
    },
    [Symbol.asyncDispose]: () => listener.stop(0),
  };
}

Deno.test("a listener with TLS meets new connections with the files as they are by then, and drops no request", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  await using started = await start(files.tls);
  const inFlight = started.ask(FORMER.cert, "/slow");
  await started.asked;

  await files.replace(await LATER.issue());
  started.reread();

  assert.equal(await started.ask(LATER.cert), "hi");
  await assert.rejects(started.ask(FORMER.cert), TypeError);
  started.go();
  assert.equal(await inFlight, "slow");
  assert.match(started.lines.join("\n"), /^TLS certificate read again [^]*validUntil: "2099-12-31T23:59:59\.000Z"/);
});

Deno.test("a listener with TLS keeps the former certificate while the files don't fit together, and says so once", async () => {
  const [former, later] = [await FORMER.issue(), await LATER.issue()];
  await using files = await tlsFiles(former);
  await using started = await start(files.tls);

  await files.replace({ cert: later.cert, key: former.key });
  started.reread();
  started.reread();
  assert.equal(await started.ask(FORMER.cert), "hi");
  const said = [...started.lines];
  await files.replace(later);
  started.reread();

  assert.equal(await started.ask(LATER.cert), "hi");
  assert.equal(said.length, 1);
  assert.match(said[0] ?? "", /does not hold the private key of the certificate in/);
  assert.doesNotMatch(started.lines.join("\n"), /BEGIN|PRIVATE KEY/);
});

Deno.test("a listener with TLS refuses whoever speaks an older version than the least", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  await using started = await start({ ...files.tls, minVersion: "TLSv1.3" });

  assert.equal(await handshake(started.listener.port, "TLSv1.2"), "refused");
  assert.equal(await handshake(started.listener.port, "TLSv1.3"), "TLSv1.3");
});

Deno.test("a listener with TLS that wants clients' certificates answers nobody else but probes and scrapes, and reads its authorities again", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  const clientCaFile = `${files.folder}/clients.crt`;
  await Deno.writeTextFile(clientCaFile, FORMER.cert);
  await using started = await start({ ...files.tls, clientCaFile });
  const [former, later] = [await FORMER.issue(), await LATER.issue()];
  const asked = async () => [
    await started.ask(FORMER.cert),
    await started.ask(FORMER.cert, "/", later),
    await started.ask(FORMER.cert, "/", former),
    await started.ask(FORMER.cert, "/", former),
  ];
  const refusal = JSON.stringify({
    code: "unauthorized",
    message: "Cannot answer: a client certificate of an authority that is trusted here is wanted",
  });

  const before = await asked();
  const open = await Promise.all(["/healthz", "/readyz", "/metrics"].map((path) => started.get(FORMER.cert, path)));
  await Deno.writeTextFile(clientCaFile, LATER.cert);
  started.reread();
  const after = await asked();

  assert.deepEqual(before, [refusal, refusal, "hi", "hi"]);
  assert.deepEqual(open, ["OK", "Ready", "page"]);
  assert.deepEqual(after, [refusal, "hi", refusal, refusal]);
});

function handshake(port: number, maxVersion: "TLSv1.2" | "TLSv1.3"): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: "127.0.0.1", port, maxVersion, ca: [FORMER.cert] }, () => {
      resolve(socket.getProtocol() ?? "none");
      socket.destroy();
    });
    socket.on("error", () => resolve("refused"));
  });
}

/** What clients may take, in milliseconds: more than any machine does, but for what a test has come to an end. */
const LONG: ClientDeadlines = {
  handshakeTimeout: 300_000,
  headersTimeout: 300_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 300_000,
  connectionsCheckingInterval: 100,
};

/** A server that answers everything alike. */
async function opened(
  tls: TlsOptions,
  deadlines: Partial<ClientDeadlines> = {},
  handler: HttpsHandler = () => new Response("x"),
) {
  const pair = readKeyPair(tls);
  const parts = { ...tls, pair, deadlines: { ...LONG, ...deadlines }, clock: systemClock(), onBroken: () => {} };
  const server = await openHttpsServer({ ...parts, hostname: "127.0.0.1", port: 0 }, handler);
  return {
    address: { hostname: "127.0.0.1", port: server.addr.port },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Everything that comes until the connection ends, in order or by a reset. */
async function heard(connection: Deno.Conn): Promise<string> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of connection.readable) pieces.push(piece);
  } catch {
    // What came before counts.
  }
  return pieces.map((piece) => new TextDecoder().decode(piece)).join("");
}

Deno.test("a server with TLS ends connections whose handshake, head or next request does not come", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  await using ofHandshake = await opened(files.tls, { handshakeTimeout: 200 });
  await using ofHead = await opened(files.tls, { headersTimeout: 3_000 });
  await using ofNext = await opened(files.tls, { keepAliveTimeout: 200 });
  const secured = async ({ address }: typeof ofHead, text: string) => {
    const connection = await Deno.connectTls({ ...address, caCerts: [FORMER.cert] });
    await connection.write(new TextEncoder().encode(text));
    return connection;
  };

  const silent = await Deno.connect(ofHandshake.address);
  const noRequest = await Deno.connectTls({ ...ofHead.address, caCerts: [FORMER.cert] });
  const halfHead = await secured(ofHead, "GET / HTTP/1.1\r\nHo");
  const idle = await secured(ofNext, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");

  const ends = await Promise.all([silent, noRequest, halfHead, idle].map(heard));
  assert.equal(ends[0], "");
  assert.match(ends[1] ?? "", /^HTTP\/1\.1 408 /);
  assert.match(ends[2] ?? "", /^HTTP\/1\.1 408 /);
  assert.match(ends[3] ?? "", /^HTTP\/1\.1 200 OK/);
});

Deno.test("a server with TLS waits for nothing that is left of a body which nobody read", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  await using server = await opened(files.tls);
  const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nthe rest never comes";

  const connection = await Deno.connectTls({ ...server.address, caCerts: [FORMER.cert] });
  await connection.write(new TextEncoder().encode(post));

  assert.match(await heard(connection), /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n/i);
});

Deno.test("a server with TLS has no more connections than it may", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  await using server = await opened({ ...files.tls, connectionsMax: 2 });

  const inside = [await Deno.connect(server.address), await Deno.connect(server.address)];
  const beyond = await Deno.connect(server.address);

  assert.equal(await heard(beyond), "");
  inside.forEach((connection) => connection.close());
});

Deno.test("a server with TLS answers requests of a connection one after the other, however many came ahead", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  const seen = { now: 0, most: 0 };
  await using server = await opened(files.tls, {}, async ({ url }) => {
    seen.most = Math.max(seen.most, ++seen.now);
    await new Promise((resolve) => setTimeout(resolve, 0));
    seen.now -= 1;
    return new Response(new URL(url).pathname);
  });
  const asked = Array.from({ length: 20 }, (_, at) => `GET /${at} HTTP/1.1\r\nHost: x\r\n`);

  const connection = await Deno.connectTls({ ...server.address, caCerts: [FORMER.cert] });
  await connection.write(new TextEncoder().encode(`${asked.join("\r\n")}Connection: close\r\n\r\n`));
  const answers = await heard(connection);

  assert.deepEqual(answers.match(/^\/\d+/gm), asked.map((_, at) => `/${at}`));
  assert.equal(seen.most, 1);
});

Deno.test("a server with TLS ends a connection that asks ever more without an answer, and lets go of all of it", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  const signals: AbortSignal[] = [];
  await using server = await opened(files.tls, {}, ({ signal }) => {
    signals.push(signal);
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response("late"))));
  });

  const connection = await Deno.connectTls({ ...server.address, caCerts: [FORMER.cert] });
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000)));

  assert.equal(await heard(connection), "");
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true]);
});

Deno.test("a listener with TLS answers whoever expects what it does not know", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  await using started = await start(files.tls);
  const { port } = started.listener;
  const connection = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [FORMER.cert] });

  const text = "GET / HTTP/1.1\r\nHost: x\r\nExpect: something\r\nConnection: close\r\n\r\n";
  await connection.write(new TextEncoder().encode(text));

  assert.match(await heard(connection), /^HTTP\/1\.1 200 /);
});

Deno.test("a listener with TLS answers 400 to what is no request, and goes on", async () => {
  await using files = await tlsFiles(await FORMER.issue());
  await using started = await start(files.tls);
  const { port } = started.listener;
  const bad = ["GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", "nonsense\r\n\r\n"];

  for (const text of bad) {
    const connection = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [FORMER.cert] });
    await connection.write(new TextEncoder().encode(text));
    assert.match(await heard(connection), /^HTTP\/1\.1 400 /, text);
  }

  assert.equal(await started.ask(FORMER.cert), "hi");
});
