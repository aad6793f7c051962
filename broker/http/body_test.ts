import assert from "node:assert/strict";
import { z } from "zod";
import type { Clock } from "$lib/clock.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { bodyBounds, readBody, readBytes } from "./body.ts";

const MAX = 1_000;

function bounds(maxBytes = MAX) {
  return bodyBounds({ maxBytes, clock: new ManualClock() });
}

/** A request with a body of 1,001 bytes, in two pieces. */
function request(headers: Record<string, string>): Request {
  const body = ReadableStream.from([new Uint8Array(MAX), new Uint8Array(1)]);
  return new Request("http://broker/", { method: "POST", body, headers });
}

Deno.test("readBytes() refuses a body by the length that its head says", async () => {
  await assert.rejects(readBytes(request({ "content-length": "1001" }), bounds()), { code: "too_large" });
});

Deno.test("readBytes() refuses a body that grows too long, whatever its head says of it", async () => {
  await assert.rejects(readBytes(request({}), bounds()), { code: "too_large" });
  const both = { "content-length": "1", "transfer-encoding": "chunked" };
  await assert.rejects(readBytes(request(both), bounds()), { code: "too_large" });
});

Deno.test("readBytes() gives every byte, in pieces or at once", async () => {
  const pieces = await readBytes(request({}), bounds(MAX + 1));
  const whole = await readBytes(request({ "content-length": "1001" }), bounds(MAX + 1));

  assert.deepEqual([pieces.length, whole.length], [MAX + 1, MAX + 1]);
});

Deno.test("readBytes() takes a body that breaks off for no fault of its own", async () => {
  const broken = (headers: Record<string, string>) => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error("the client left")) });
    return readBytes(new Request("http://broker/", { method: "POST", body, headers }), bounds());
  };

  await assert.rejects(broken({}), { code: "unavailable" });
  await assert.rejects(broken({ "content-length": "10" }), { code: "unavailable" });
});

Deno.test("readBytes() waits for room for what is large, and the time it waits is not the sender's", async () => {
  const clock = new ManualClock();
  const asked: number[] = [];
  const takeRoom = async (bytes: number) => {
    asked.push(bytes);
    await clock.advance(60_000);
  };
  const read = async (bytes: number, headers: Record<string, string>) => {
    const body = ReadableStream.from([new Uint8Array(bytes - 1), new Uint8Array(1)]);
    const sent = new Request("http://broker/", { method: "POST", body, headers });
    return (await readBytes(sent, { ...bodyBounds({ maxBytes: 200_000, clock }), takeRoom })).length;
  };

  const lengths = [
    await read(65_536, {}),
    await read(65_536, { "content-length": "65536" }),
    await read(100_000, {}),
    await read(100_000, { "content-length": "100000" }),
  ];

  assert.deepEqual([lengths, asked], [[65_536, 65_536, 100_000, 100_000], [200_000, 100_000]]);
});

/** A body of so many pieces of one byte, all in the same place of the memory: who keeps one keeps the last. */
function* dripping(pieces: number): Generator<Uint8Array> {
  const piece = new Uint8Array(1);
  for (let at = 0; at < pieces; at += 1) {
    piece[0] = at % 256;
    yield piece;
  }
}

function sentIn(pieces: Iterable<Uint8Array>): Request {
  return new Request("http://broker/", { method: "POST", body: ReadableStream.from(pieces) });
}

Deno.test("readBytes() keeps the bytes of a body and none of its pieces, and lets others go on after a few", async () => {
  const clock = new ManualClock({ skipsSleeps: true });

  const bytes = await readBytes(sentIn(dripping(80_000)), bodyBounds({ maxBytes: 200_000, clock }));

  assert.ok(bytes.length === 80_000 && bytes.every((byte, at) => byte === at % 256));
  assert.deepEqual(clock.slept, Array(80_000 / 16).fill(0));
});

Deno.test("readBytes() gives up a body whose next piece is always there once it has taken too long", async () => {
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs += 1_000,
    sleep: () => Promise.resolve(),
    after: () => () => {}, // no timer has its turn
  };

  const reading = readBytes(sentIn(dripping(1_000)), bodyBounds({ maxBytes: 200_000, clock }));

  await assert.rejects(reading, { code: "unavailable" });
});

interface Slow {
  readonly claim: string;
  readonly headers: Record<string, string>;
  readonly pieceEveryMs: number;
  readonly afterMs: number;
}

const SLOW: readonly Slow[] = [
  { claim: "says nothing more", headers: { "content-length": "10" }, pieceEveryMs: Infinity, afterMs: 10_000 },
  { claim: "says nothing more, and not how long it is", headers: {}, pieceEveryMs: Infinity, afterMs: 10_000 },
  { claim: "drips", headers: {}, pieceEveryMs: 9_000, afterMs: 30_000 },
  { claim: "drips, and says it is long", headers: { "content-length": "99999" }, pieceEveryMs: 9_000, afterMs: 30_000 },
];

for (const { claim, headers, pieceEveryMs, afterMs } of SLOW) {
  Deno.test(`readBytes() gives up a body that ${claim}, after ${afterMs / 1_000} s, and reads no more of it`, async () => {
    const clock = new ManualClock();
    let isLeft = false;
    const body = new ReadableStream({
      pull: async (controller) => {
        await clock.sleep(pieceEveryMs);
        controller.enqueue(new Uint8Array(1));
      },
      cancel: () => void (isLeft = true),
    }, { highWaterMark: 0 });
    const request = new Request("http://broker/", { method: "POST", body, headers });

    let isOver = false;
    const reading = readBytes(request, bodyBounds({ maxBytes: 100_000, clock })).finally(() => isOver = true);
    reading.catch(() => {});
    await clock.advance(afterMs - 1);
    assert.equal(isOver, false);
    await clock.advance(1);

    await assert.rejects(reading, {
      code: "unavailable",
      message: "Cannot read the body: it comes too slowly (30 s for all of it, 10 s for a part)",
    });
    assert.ok(isLeft || headers["content-length"] === "10"); // a small one is Deno's to read
  });
}

Deno.test("readBody() reads no JSON of more names and values than anybody needs, and long texts as ever", async () => {
  const shape = z.object({ text: z.string().optional() });
  const read = (text: string, partsMax?: number) =>
    readBody(new Request("http://broker/", { method: "POST", body: text }), { shape, partsMax }, bounds(8_000_000));
  const many = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join(",")}}`;
  const text = ',"[{:'.repeat(200_000);

  assert.deepEqual(await read(JSON.stringify({ text })), { text });
  assert.deepEqual(await read(many(1_000)), {});
  assert.deepEqual(await read(many(20_000), 40_000), {});
  for (const bad of [many(20_000), "[".repeat(4_000_000), `{"a":`.repeat(100_000)]) {
    const errors = [{ path: "", message: "must not have more than 20000 names and values" }];
    await assert.rejects(read(bad), { code: "invalid_request_body", details: { errors } });
  }
});
