import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "$lib/clock.ts";
import { listen, type TlsOptions } from "$lib/serve/listener.ts";
import { createRequestHandler } from "$lib/serve.ts";
import { LongAnswers } from "../../broker/http/long_answers.ts";
import { makeAuthority, tlsFiles } from "../fakes/certificates.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { silentLog } from "../fakes/silent_log.ts";

const PIECES = 2_000;
const PIECE = "x".repeat(256 * 1024);
const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
const UNREAD_MS = 10_000;

/** A client that asks and reads nothing is given no more than the line takes, and its answer ends. */
async function mustEnd(tls: TlsOptions | undefined, connect: (port: number) => Promise<Deno.Conn>): Promise<void> {
  const clock = new ManualClock();
  const seen = { made: 0, slow: 0, ended: 0 };
  const answers = new LongAnswers({ clock, onSlowReader: () => seen.slow += 1 });
  async function* pieces(): AsyncGenerator<string> {
    for (; seen.made < PIECES; seen.made += 1) yield await Promise.resolve(PIECE);
  }
  const place = { [Symbol.dispose]: () => seen.ended += 1 };
  const application = ({ signal }: Request) =>
    answers.open({ ...{ owner: "a", pieces: pieces(), headers: {}, signal, place } });
  const parts = { clock: systemClock(), log: silentLog() };
  const listener = await listen(createRequestHandler({ application, ...parts }), {
    ...{ hostname: "127.0.0.1", port: 0, tls, ...parts },
  });

  const connection = await connect(listener.port);
  await connection.write(REQUEST);
  while (seen.slow === 0 && seen.ended === 0) {
    await setTimeout(20);
    await clock.advance(UNREAD_MS);
  }

  assert.ok(seen.made < PIECES, `${seen.made} pieces were made`);
  assert.deepEqual([seen.slow, seen.ended], [1, 1]);
  connection.close();
  await listener.stop(0);
}

Deno.test("a long answer that is not read is broken off, over plain HTTP", async () => {
  await mustEnd(undefined, (port) => Deno.connect({ hostname: "127.0.0.1", port }));
});

Deno.test("a long answer that is not read is broken off, over TLS", async () => {
  const authority = await makeAuthority("Test CA");
  await using files = await tlsFiles(await authority.issue());
  const caCerts = [authority.cert];
  await mustEnd(files.tls, (port) => Deno.connectTls({ hostname: "127.0.0.1", port, caCerts }));
});

/** Over a real connection: what a client takes for an answer is whole. */
async function mustBreak(tls: TlsOptions | undefined, client: Deno.HttpClient | undefined): Promise<void> {
  const parts = { clock: systemClock(), log: silentLog() };
  const answers = new LongAnswers(parts);
  async function* failing(): AsyncGenerator<string> {
    yield await Promise.resolve(PIECE);
    throw new Error("its body has just been deleted");
  }
  const application = ({ signal }: Request) =>
    answers.open({ ...{ owner: "a", pieces: failing(), headers: {}, signal, place: { [Symbol.dispose]() {} } } });
  const listener = await listen(createRequestHandler({ application, ...parts }), {
    ...{ hostname: "127.0.0.1", port: 0, tls, ...parts },
  });

  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${listener.port}`;
  await assert.rejects(async () => await (await fetch(url, client && { client })).text(), TypeError);

  await listener.stop(1_000);
}

Deno.test("a long answer that breaks off is no shorter answer, over plain HTTP", () => mustBreak(undefined, undefined));

Deno.test("a long answer that breaks off is no shorter answer, over TLS", async () => {
  const authority = await makeAuthority("Test CA");
  await using files = await tlsFiles(await authority.issue());
  using client = Deno.createHttpClient({ caCerts: [authority.cert] });
  await mustBreak(files.tls, client);
});
