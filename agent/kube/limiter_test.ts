import assert from "node:assert/strict";
import { createLimiter } from "./limiter.ts";

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
