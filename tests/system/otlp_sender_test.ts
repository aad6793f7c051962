import assert from "node:assert/strict";
import { createOtlpSender, type OtlpTarget } from "$lib/telemetry/otlp.ts";
import { type Certificate, makeAuthority, tlsFiles } from "../fakes/certificates.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { silentLog } from "../fakes/silent_log.ts";

const PAYLOAD = new Uint8Array([10, 3, 1, 2, 3]);
const CHECK_INTERVAL_MS = 5_000;

type Handle = (request: Request) => Response;

/** A server of this machine, on any port; over TLS with a certificate. */
function serve(handle: Handle, certificate?: Certificate) {
  const seen: { readonly method: string; readonly headers: Headers }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {}, ...certificate }, async (request) => {
    seen.push({ method: request.method, headers: new Headers(request.headers) });
    await request.arrayBuffer();
    return handle(request);
  });
  const url = `${certificate === undefined ? "http" : "https"}://127.0.0.1:${server.addr.port}`;
  return { url, seen, port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A sender on the real network; time passes only where a test says so, and there is none for a second try. */
function senderTo(url: string, more: Partial<OtlpTarget> = {}) {
  const clock = new ManualClock();
  const sender = createOtlpSender({
    ...{ url: new URL(`${url}/v1/metrics`), headers: [["api-key", "secret"]], signalHeaders: [] },
    ...{ headersFile: undefined, caFile: undefined, clientCertFile: undefined, clientKeyFile: undefined },
    ...{ compression: "gzip", maxBytes: 500_000, timeoutMs: 500 },
    ...more,
  }, {
    ...{ fetch, clock, random: () => 0.5, log: silentLog(), env: {}, userAgent: "brokkr-test" },
    onSecret: () => {},
  });
  return { sender, clock, [Symbol.dispose]: () => sender.close() };
}

Deno.test("a redirect of a receiver is a failure, and neither a header nor a body reaches its target", async () => {
  await using target = serve(() => new Response());
  for (const status of [301, 302, 303, 307, 308]) {
    await using receiver = serve(() => new Response(null, { status, headers: { location: `${target.url}/taken` } }));
    using to = senderTo(receiver.url);

    const { kind } = await to.sender.send(PAYLOAD);

    assert.deepEqual([kind, receiver.seen.length, target.seen.length], ["failed", 1, 0], String(status));
  }
});

Deno.test("a receiver hears how long the body is, and that it is compressed protobuf", async () => {
  await using receiver = serve(() => new Response());
  using to = senderTo(receiver.url);

  await to.sender.send(PAYLOAD);

  const { method, headers } = receiver.seen[0] ?? assert.fail("nothing was sent");
  const named = ["content-type", "content-encoding", "transfer-encoding", "user-agent", "api-key"];
  assert.deepEqual([method, ...named.map((name) => headers.get(name))], [
    "POST",
    "application/x-protobuf",
    "gzip",
    null,
    "brokkr-test",
    "secret",
  ]);
  assert.ok(Number(headers.get("content-length")) > 0);
});

Deno.test("a receiver that is not there fails, and is reached once it is there", async () => {
  const gone = serve(() => new Response());
  await gone[Symbol.asyncDispose]();
  using to = senderTo(gone.url);
  const first = await to.sender.send(PAYLOAD);
  const server = Deno.serve({ hostname: "127.0.0.1", port: gone.port, onListen: () => {} }, () => new Response());

  const second = await to.sender.send(PAYLOAD);

  await server.shutdown();
  assert.deepEqual([first.kind, second.kind], ["failed", "accepted"]);
  assert.match(first.kind === "failed" ? first.reason : "", /Connection refused/);
});

Deno.test("a receiver's certificate is believed by its authority, and by another one once the file says so", async () => {
  const [former, next] = [await makeAuthority("former"), await makeAuthority("next")];
  await using own = await tlsFiles({ cert: former.cert, key: "" });
  await using ofFormer = serve(() => new Response(), await former.issue());
  await using ofNext = serve(() => new Response(), await next.issue());
  using toFormer = senderTo(ofFormer.url, { caFile: own.tls.certFile });
  using toNext = senderTo(ofNext.url, { caFile: own.tls.certFile });
  const before = [await toFormer.sender.send(PAYLOAD), await toNext.sender.send(PAYLOAD)];

  await own.replace({ cert: next.cert, key: "" });
  await toNext.clock.advance(CHECK_INTERVAL_MS);
  const after = await toNext.sender.send(PAYLOAD);

  const reason = "the certificate of the receiver is of no authority that is trusted here: see otlp.ca_file";
  const accepted = { kind: "accepted", body: new Uint8Array() };
  assert.deepEqual([...before, after], [accepted, { kind: "failed", reason }, accepted]);
  assert.equal(ofNext.seen.length, 1);
});
