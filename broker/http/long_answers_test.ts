import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { LongAnswers } from "./long_answers.ts";

const SLICE = 64 * 1024;

/** Long answers of four pieces each, of which those are counted that were made. */
function start() {
  const clock = new ManualClock();
  const seen = { made: 0, slow: 0, ended: 0 };
  const answers = new LongAnswers({ clock, onSlowReader: () => seen.slow += 1 });
  async function* pieces(): AsyncGenerator<string> {
    for (let piece = 0; piece < 4; piece += 1) {
      seen.made += 1;
      yield String(piece).repeat(SLICE + 1);
      await Promise.resolve();
    }
  }
  const open = (
    owner: string,
    { text = pieces() as AsyncIterable<string>, signal = new AbortController().signal } = {},
  ) =>
    answers.open({
      ...{ owner, signal, pieces: text, headers: { "content-type": "text/plain" } },
      place: { [Symbol.dispose]: () => seen.ended += 1 },
    });
  return { clock, seen, open };
}

function readerOf({ body }: Response): ReadableStreamDefaultReader<Uint8Array> {
  return body?.getReader() ?? assert.fail("there is a body");
}

Deno.test("LongAnswers makes a piece when it is read, hands it out in slices, and keeps its place until the end", async () => {
  const { open, seen } = start();
  const response = await open("a");

  const unread = { ...seen };
  const reader = readerOf(response);
  const sizes = [(await reader.read()).value?.length, (await reader.read()).value?.length];
  const afterOne = { ...seen };
  let rest = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) rest += next.value.length;

  assert.deepEqual([unread.made, sizes, afterOne], [0, [SLICE, 1], { made: 1, slow: 0, ended: 0 }]);
  assert.equal(rest, 3 * (SLICE + 1));
  await setImmediate();
  assert.deepEqual(seen, { made: 4, slow: 0, ended: 1 });
});

Deno.test("LongAnswers has one of each owner under way, and of several owners one each", async () => {
  const { open, seen } = start();
  const first = await open("a");
  let isSecondOpen = false;
  const second = open("a").then((response) => {
    isSecondOpen = true;
    return response;
  });

  const other = await open("b");
  await other.body?.cancel();
  await setImmediate();
  const before = { isSecondOpen, ended: seen.ended };
  await first.text();

  await (await second).text();
  await setImmediate();
  assert.deepEqual([before, seen.ended], [{ isSecondOpen: false, ended: 1 }, 3]);
});

Deno.test("LongAnswers breaks off an answer that nobody reads on for ten seconds, counts it, and goes on with the next", async () => {
  const { open, seen, clock } = start();
  const reader = readerOf(await open("a"));
  await reader.read();
  const second = open("a");

  await clock.advance(9_999);
  const early = seen.slow;
  await reader.read();
  await clock.advance(9_999);
  const read = seen.slow;
  await clock.advance(1);

  await assert.rejects(reader.read(), { name: "TimeoutError" });
  assert.deepEqual([early, read, seen.slow], [0, 0, 1]);
  await (await second).text();
  assert.equal(clock.pending, 0);
});

Deno.test("LongAnswers breaks off one that was never begun to be read", async () => {
  const { open, seen, clock } = start();
  const response = await open("a");

  await clock.advance(10_000);

  await assert.rejects(response.text(), { name: "TimeoutError" });
  assert.deepEqual(seen, { made: 0, slow: 1, ended: 1 });
});

Deno.test("LongAnswers breaks off an answer whose next piece can't be made: it never looks complete", async () => {
  const { open, seen } = start();
  async function* failing(): AsyncGenerator<string> {
    yield "[1";
    throw await Promise.resolve(new Error("gone"));
  }

  await assert.rejects((await open("a", { text: failing() })).text(), /gone/);

  await setImmediate();
  assert.equal(seen.ended, 1);
});

Deno.test("LongAnswers makes nothing for whoever left before their turn", async () => {
  const { open, seen } = start();

  const response = await open("a", { signal: AbortSignal.abort() });

  await setImmediate();
  assert.deepEqual([response.body, seen], [null, { made: 0, slow: 0, ended: 1 }]);
});
