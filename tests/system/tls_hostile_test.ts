import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { openHttpsServer } from "$lib/serve/https_server.ts";
import { readKeyPair } from "$lib/serve/tls_files.ts";
import { makeAuthority, tlsFiles } from "../fakes/certificates.ts";
import { clientHello } from "../fakes/client_hello.ts";

const AUTHORITY = await makeAuthority("Test CA");
const UTF8 = new TextEncoder();
/** Within which a client must have done what it begins: more than any machine takes. */
const DEADLINE_MS = 300_000;
const AT_ONCE = 50;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** A server that answers `here`. */
async function start() {
  const files = await tlsFiles(await AUTHORITY.issue());
  const [broken, asked]: [unknown[], string[]] = [[], []];
  const server = await openHttpsServer({
    ...{ hostname: "127.0.0.1", port: 0, pair: readKeyPair(files.tls), clock: systemClock() },
    ...{ minVersion: "TLSv1.2", connectionsMax: 1_000, onBroken: (error) => void broken.push(error) },
    deadlines: {
      handshakeTimeout: DEADLINE_MS,
      headersTimeout: DEADLINE_MS,
      requestTimeout: DEADLINE_MS,
      keepAliveTimeout: DEADLINE_MS,
      connectionsCheckingInterval: 100,
    },
  }, ({ method, url }) => {
    asked.push(`${method} ${url}`);
    return new Response("here");
  });
  const address = { hostname: "127.0.0.1", port: server.addr.port };
  return {
    ...{ address, broken, asked },
    /** What an honest client is answered. */
    async honest(): Promise<string> {
      using client = Deno.createHttpClient({ caCerts: [AUTHORITY.cert] });
      return await (await fetch(`https://127.0.0.1:${address.port}/`, { client })).text();
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await files[Symbol.asyncDispose]();
    },
  };
}

/** Sends, and waits until the other side has ended the connection: how many bytes came. */
async function sent(connection: Deno.Conn, bytes: Uint8Array): Promise<number> {
  let length = 0;
  try {
    const writing = (async () => {
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    })();
    writing.catch(() => {}); // it ends the connection before it has read all
    for await (const piece of connection.readable) length += piece.length;
  } catch {
    // A reset is an end, too.
  }
  return length;
}

function record(type: number, bytes: readonly number[] | Uint8Array, length = bytes.length): Uint8Array {
  return new Uint8Array([type, 3, 3, length >> 8, length & 0xff, ...bytes]);
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.length * times);
  for (let at = 0; at < times; at += 1) all.set(bytes, at * bytes.length);
  return all;
}

const NO_HANDSHAKES: Readonly<Record<string, Uint8Array>> = {
  "a request without TLS": UTF8.encode("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: brokkr_BRsecret_secret\r\n\r\n"),
  "HTTP/2 without TLS": UTF8.encode(PREFACE),
  "nothing but zeros": new Uint8Array(100_000),
  "a record that is too large": record(22, new Uint8Array(70_000), 0xffff),
  "empty records": repeated(record(22, []), 50_000),
  "warnings": repeated(record(21, [1, 90]), 20_000),
  "data before the handshake": record(23, new Uint8Array(16_384)),
  "a greeting of 16 MB": repeated(record(22, [1, 0xff, 0xff, 0xff, ...new Uint8Array(16_000)]), 100),
};
const UNFINISHED: Readonly<Record<string, Uint8Array>> = {
  "nothing": new Uint8Array(),
  "half a greeting": clientHello("broker").subarray(0, 100),
  "a greeting": clientHello("broker"),
  "a greeting that is nearly all padding": clientHello("broker", { padding: 15_000 }),
  "one that offers HTTP/2": clientHello("broker", { protocols: ["h2"] }),
};
const NAMES = ["", "\0", "..", "%00", "a\nb", "*.x", "127.0.0.1", "brökkr", "xn--", "a".repeat(16_000)];

Deno.test("a server with TLS ends what is no handshake, and answers others while many are not finished", async (test) => {
  await using server = await start();
  const greetings = NAMES.map((name) => [`one for ${JSON.stringify(name.slice(0, 20))}`, clientHello(name)] as const);

  for (const [what, bytes] of Object.entries(NO_HANDSHAKES)) {
    await test.step(what, async () => {
      await sent(await Deno.connect(server.address), bytes);
      assert.equal(await server.honest(), "here");
    });
  }
  for (const [what, bytes] of [...Object.entries(UNFINISHED), ...greetings]) {
    await test.step(`${what}, and no more`, async () => {
      const connections = await Promise.all(Array.from({ length: AT_ONCE }, () => Deno.connect(server.address)));
      await Promise.all(connections.map((connection) => connection.write(bytes).catch(() => {})));
      assert.equal(await server.honest(), "here");
      for (const connection of connections) connection.close();
    });
  }

  assert.deepEqual(new Set(server.asked), new Set([`GET https://127.0.0.1:${server.address.port}/`]));
  assert.deepEqual(server.broken, []);
});

Deno.test("a server with TLS speaks no HTTP/2, whoever offers it", async () => {
  await using server = await start();
  const offering = { ...server.address, caCerts: [AUTHORITY.cert], alpnProtocols: ["h2", "http/1.1"] };
  const frames = repeated(new Uint8Array([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8]), 1_000);

  const connection = await Deno.connectTls(offering);
  const { alpnProtocol } = await connection.handshake();
  const answered = await sent(connection, new Uint8Array([...UTF8.encode(PREFACE), ...frames]));

  assert.notEqual(alpnProtocol, "h2");
  assert.ok(answered < 200, `${answered} bytes`);
  assert.equal(await server.honest(), "here");
  assert.equal(server.asked.length, 1);
});
