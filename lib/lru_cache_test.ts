import assert from "node:assert/strict";
import { fc } from "../tests/fakes/fast_check.ts";
import { LruCache } from "./lru_cache.ts";

Deno.test("LruCache lets those go first that were unused for longest", () => {
  const cache = new LruCache<string, number>(3);
  for (const key of ["a", "b", "c"]) cache.keep(key, 1);
  cache.find("a");
  cache.keep("b", 2);

  cache.keep("d", 1);

  assert.deepEqual(["a", "b", "c", "d"].map((key) => cache.find(key)), [1, 2, undefined, 1]);
});

Deno.test("LruCache keeps one that is larger than all may be, alone", () => {
  const cache = new LruCache<string, string>(3, ({ length }) => length);
  cache.keep("a", "x");
  cache.keep("b", "xxxx");

  const alone = [cache.has("a"), cache.has("b")];
  cache.keep("a", "x");

  assert.deepEqual(alone, [false, true]);
  assert.deepEqual([cache.has("a"), cache.has("b")], [true, false]);
});

Deno.test("LruCache makes room before something of a size comes", () => {
  const cache = new LruCache<string, string>(3, ({ length }) => length);
  for (const key of ["a", "b", "c"]) cache.keep(key, "x");

  cache.makeRoom(2);

  assert.deepEqual(["a", "b", "c"].filter((key) => cache.has(key)), ["c"]);
});

Deno.test("LruCache keeps as much again after it was cleared", () => {
  const cache = new LruCache<string, string>(1, ({ length }) => length);
  cache.keep("a", "x");

  cache.clear();
  cache.keep("b", "x");

  assert.deepEqual([cache.has("a"), cache.has("b")], [false, true]);
});

Deno.test("LruCache never keeps more than it may but one, whatever is kept, used and replaced", () => {
  const step = fc.record({ key: fc.nat(5), size: fc.integer({ min: 1, max: 12 }), isUse: fc.boolean() });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const cache = new LruCache<number, string>(10, ({ length }) => length);
    for (const { key, size, isUse } of steps) {
      if (isUse) cache.find(key);
      else cache.keep(key, "x".repeat(size));
      const kept = [0, 1, 2, 3, 4, 5].flatMap((each) => cache.has(each) ? cache.find(each)?.length ?? 0 : []);
      assert.ok(kept.length <= 1 || kept.reduce((sum, each) => sum + each, 0) <= 10, String(kept));
    }
  }));
});
