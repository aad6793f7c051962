import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { FairTurns } from "./fair_turns.ts";

/** Two turns at once, and work that ends when it is told. */
function fixture() {
  const turns = new FairTurns(2);
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  return {
    begun,
    want(owner: string, ...names: readonly string[]) {
      for (const name of names) {
        const end = Promise.withResolvers<void>();
        ends.set(name, end);
        turns.inTurn(owner, () => {
          begun.push(name);
          return end.promise;
        }).catch(() => {});
      }
    },
    async end(name: string, error?: Error) {
      if (error === undefined) ends.get(name)?.resolve();
      else ends.get(name)?.reject(error);
      await setImmediate();
    },
  };
}

Deno.test("FairTurns does one piece of work of each owner at a time, however much waits", async () => {
  const { want, begun } = fixture();

  want("a", "a1", "a2", "a3");
  want("b", "b1");
  await setImmediate();

  assert.deepEqual(begun, ["a1", "b1"]);
});

Deno.test("FairTurns gives turns by owner, and the order of each owner's own is kept", async () => {
  const { want, begun, end } = fixture();
  want("a", "a1", "a2", "a3");
  want("b", "b1", "b2");
  want("c", "c1");
  await setImmediate();

  for (const name of ["b1", "a1", "c1", "b2", "a2", "a3"]) await end(name);

  assert.deepEqual(begun, ["a1", "b1", "c1", "b2", "a2", "a3"]);
});

Deno.test("FairTurns goes on after work that failed", async () => {
  const { want, begun, end } = fixture();
  want("a", "a1", "a2");
  await setImmediate();

  await end("a1", new Error("no"));

  assert.deepEqual(begun, ["a1", "a2"]);
});
