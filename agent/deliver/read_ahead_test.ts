import assert from "node:assert/strict";
import { ReadAhead } from "./read_ahead.ts";

const SIGNAL = new AbortController().signal;

/** A broker that answers when the test says so. */
function reading() {
  const asked: string[] = [];
  const answers: PromiseWithResolvers<string>[] = [];
  const ahead = new ReadAhead(({ id }) => {
    asked.push(id);
    const answer = Promise.withResolvers<string>();
    answers.push(answer);
    return answer.promise;
  });
  const object = (id: string) => ({ id, checksum: "" });
  return { ahead, asked, answers, object };
}

Deno.test("a bundle that was fetched ahead is not fetched again by its turn, and is let go then", async () => {
  const { ahead, asked, answers, object } = reading();
  ahead.begin([object("a")], SIGNAL);
  const text = ahead.fetch(object("a"), SIGNAL);
  answers[0]?.resolve("text");

  assert.equal(await text, "text");
  void ahead.fetch(object("a"), SIGNAL);
  assert.deepEqual(asked, ["a", "a"]);
});

Deno.test("a bundle that could not be fetched ahead is fetched by its turn, which says why not", async () => {
  const { ahead, asked, answers, object } = reading();
  ahead.begin([object("a")], SIGNAL);
  const text = ahead.fetch(object("a"), SIGNAL);
  answers[0]?.reject(new Error("away"));
  await new Promise((resolve) => setTimeout(resolve));
  answers[1]?.reject(new Error("still away"));

  await assert.rejects(text, { message: "still away" });
  assert.deepEqual(asked, ["a", "a"]);
});

Deno.test("what was fetched ahead and nobody asked for is let go with the next plan, and a turn that ends waits for nothing", async () => {
  const { ahead, asked, object } = reading();
  const left = new AbortController();
  ahead.begin([object("a")], SIGNAL);
  ahead.begin([object("b")], SIGNAL);
  void ahead.fetch(object("a"), SIGNAL);

  const waiting = ahead.fetch(object("b"), left.signal);
  left.abort();

  await assert.rejects(waiting, { name: "AbortError" });
  assert.deepEqual(asked, ["a", "b", "a"]);
});
