import assert from "node:assert/strict";
import { allEnded, createLimiter } from "./limiter.ts";

Deno.test("createLimiter() lets only so many works run at once, the rest in the order they came", async () => {
  const limiter = createLimiter(2);
  const started: number[] = [];
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const works = gates.map(({ promise }, index) =>
    limiter.run(() => {
      started.push(index);
      return promise;
    })
  );

  const atFirst = [...started];
  gates[1]?.resolve();
  await works[1];
  const afterOne = [...started];
  gates.forEach(({ resolve }) => resolve());
  await Promise.all(works);

  assert.deepEqual([atFirst, afterOne, started], [[0, 1], [0, 1, 2], [0, 1, 2, 3]]);
});

Deno.test("createLimiter() gives its place on when a work fails, and when one is not wanted any more", async () => {
  const limiter = createLimiter(1);
  const failing = limiter.run(() => Promise.reject(new Error("no")));
  const aborted = limiter.run(() => Promise.resolve("late"), AbortSignal.abort(new Error("stopping")));

  await assert.rejects(failing, /no/);
  await assert.rejects(aborted, /stopping/);
  assert.equal(await limiter.run(() => Promise.resolve("next")), "next");
});

Deno.test("createLimiter() lets a work that waits for its turn go at once when its signal aborts", async () => {
  const limiter = createLimiter(1);
  const gate = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const first = limiter.run(() => gate.promise);
  const given = limiter.run(() => Promise.resolve("given up"), stopping.signal);
  const last = limiter.run(() => Promise.resolve("last"));

  stopping.abort(new Error("stopping"));

  await assert.rejects(given, /stopping/);
  gate.resolve();
  await first;
  assert.equal(await last, "last");
});

Deno.test("allEnded() rejects as the first that did, after every one has ended", async () => {
  const gate = Promise.withResolvers<string>();
  const order: string[] = [];
  const all = allEnded([gate.promise.finally(() => order.push("one")), Promise.reject(new Error("two"))])
    .finally(() => order.push("all"));
  const rejected = assert.rejects(all, /two/);

  gate.resolve("one");

  await rejected;
  assert.deepEqual(order, ["one", "all"]);
  assert.deepEqual(await allEnded([Promise.resolve(1), Promise.resolve(2)]), [1, 2]);
});
