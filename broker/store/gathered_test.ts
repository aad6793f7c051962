import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { disabledTracing, type Span } from "$lib/tracing.ts";
import { Gathered } from "./gathered.ts";
import type { StoreTracing } from "./handle.ts";

/** Statements that end when they are let, and what was in each. */
function statements(tracing: Pick<StoreTracing, "current" | "within"> = disabledTracing()) {
  const asked: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const gathered = new Gathered<string, string>(async (items) => {
    asked.push(items);
    await new Promise<void>((resolve) => ends.push(resolve));
    if (items.includes("bad")) throw new Failure("check_violation", "Cannot write: it is bad");
    if (items.includes("away")) throw new Failure("unavailable", "Cannot write: it is away");
    return items.map((item) => item.toUpperCase());
  }, tracing);
  return { asked, ends, gathered, settled: () => new Promise<void>((resolve) => setTimeout(resolve, 0)) };
}

Deno.test("Gathered starts the first call at once, and makes one statement of those that come meanwhile", async () => {
  const { asked, ends, gathered, settled } = statements();

  const first = gathered.call("a");
  await settled();
  const others = Promise.all(["b", "c"].map((item) => gathered.call(item)));
  ends.shift()?.();
  await settled();
  ends.shift()?.();

  assert.deepEqual([await first, await others], ["A", ["B", "C"]]);
  assert.deepEqual(asked, [["a"], ["b", "c"]]);
});

Deno.test("Gathered asks for each item alone where a statement of several is refused, so that one fails alone", async () => {
  const { asked, ends, gathered, settled } = statements();

  const all = Promise.allSettled(["a", "bad", "b"].map((item) => gathered.call(item)));
  for (let round = 0; round < 4; round += 1) {
    await settled();
    ends.shift()?.();
  }

  assert.deepEqual((await all).map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(asked, [["a", "bad", "b"], ["a"], ["bad"], ["b"]]);
});

Deno.test("Gathered does not repeat what found no database, and goes on afterwards", async () => {
  const { asked, ends, gathered, settled } = statements();

  const all = Promise.allSettled(["away", "b"].map((item) => gathered.call(item)));
  await settled();
  ends.shift()?.();
  const outcomes = await all;
  const next = gathered.call("c");
  await settled();
  ends.shift()?.();

  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(await next, "C");
  assert.equal(asked.length, 2);
});

Deno.test("Gathered runs a statement as the work of its only caller, and one of several as nobody's", async () => {
  const spanOf = (name: string) => ({ name }) as unknown as Span;
  const spans: (Span | undefined)[] = [];
  let current: Span | undefined;
  const { ends, gathered, settled } = statements({
    current: () => current,
    within(span, work) {
      spans.push(span);
      return work();
    },
  });

  const calls: Promise<string>[] = [];
  for (const name of ["a", "b", "c"]) {
    current = spanOf(name);
    calls.push(gathered.call(name));
    if (name === "a") await settled();
  }
  for (let round = 0; round < 2; round += 1) {
    ends.shift()?.();
    await settled();
  }
  await Promise.all(calls);

  assert.deepEqual(spans, [spanOf("a"), undefined]);
});
