import assert from "node:assert/strict";
import { answerOf, LongAnswer } from "$lib/serve/long_answer.ts";
import { OpenAnswers } from "$lib/serve/open_answers.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";

const TEXT = "x".repeat(200_000);

/** Answers to anybody, and how many of so many from one address were sent. */
function start() {
  const clock = new ManualClock();
  const seen = { slow: 0 };
  const answers = new OpenAnswers({ clock, onSlowReader: () => seen.slow += 1 });
  const send = (address: string) => {
    const answer = answerOf(TEXT, { headers: { "content-type": "text/plain" } });
    assert.ok(answer instanceof LongAnswer);
    return answers.send(answer, address);
  };
  const sent = (count: number, address: string) =>
    Array.from({ length: count }, () => send(address)).filter((one) => one !== undefined);
  return { clock, seen, send, sent };
}

Deno.test("OpenAnswers sends no address more than its share at once, and all addresses no more than there is room for", () => {
  const { sent } = start();

  const counts = ["a", "a", "b", "c", "d", "e"].map((address) => sent(30, address).length);

  assert.deepEqual(counts, [16, 0, 16, 16, 16, 0]);
});

Deno.test("OpenAnswers has room again for what was read, left or not read on", async () => {
  const { clock, seen, sent } = start();
  const [read, left, ...unread] = sent(16, "a");

  const text = await read?.text();
  await left?.body?.cancel();
  const afterTwo = sent(16, "a").length;
  await clock.advance(10_000);
  const afterAll = sent(30, "a").length;

  assert.equal(text, TEXT);
  assert.deepEqual([afterTwo, afterAll, seen.slow], [2, 16, 16]);
  await assert.rejects(unread[0]?.text() ?? assert.fail(), { name: "TimeoutError" });
});

Deno.test("answerOf() makes a long answer of what is long, with its length, and of many the same bytes", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  const head = { status: 201, headers: { "content-type": "text/plain" } };

  const [short, long] = [answerOf("x".repeat(16_384), head), answerOf(bytes, head)];
  const first = await answerOf(bytes, head).body?.getReader().read();

  assert.deepEqual([short instanceof LongAnswer, long instanceof LongAnswer], [false, true]);
  assert.deepEqual([long.status, long.headers.get("content-length")], [201, "200000"]);
  assert.equal(first?.value?.buffer, bytes.buffer);
  assert.equal(await long.text(), TEXT);
});
