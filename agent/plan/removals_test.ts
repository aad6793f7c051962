import assert from "node:assert/strict";
import { keySet, keysOutside, shortened } from "./key_set.ts";
import { type PastRemoval, REMOVAL_KEYS_MAX_LENGTH, REMOVALS_MAX, sumOf, withRemovals } from "./removals.ts";
import { withoutReplaced } from "./replaced_names.ts";

function objects(index: number, keyCount = 1): PastRemoval {
  const keys = keySet(Array.from({ length: keyCount }, (_, key) => `${index} ${key}`));
  return { stackId: `s${index}`, kind: "objects", atMs: index, stacks: 0, objects: keyCount, keys };
}

Deno.test("withRemovals() puts the oldest together beyond what is remembered, and loses no count", () => {
  const absent: PastRemoval = { stackId: "x", kind: "absent", atMs: 0, stacks: 1, objects: 5 };
  const all = [absent, ...Array.from({ length: 500 }, (_, index) => objects(index))];

  const kept = all.reduce<readonly PastRemoval[]>((sum, one) => withRemovals(sum, [one]), []);

  assert.ok(kept.length <= REMOVALS_MAX);
  assert.deepEqual([sumOf(kept, "stacks"), sumOf(kept, "objects")], [1, 505]);
  assert.deepEqual(kept.at(-1), all.at(-1));
});

Deno.test("withRemovals() gives what is put together the time of its newest", () => {
  const kept = withRemovals([], Array.from({ length: REMOVALS_MAX + 1 }, (_, index) => objects(index)));

  assert.deepEqual([kept[0]?.stackId, kept[0]?.atMs, kept[0]?.objects], ["", 3, 4]);
});

Deno.test("withRemovals() has room for so many keys, of the newest", () => {
  const kept = withRemovals([], Array.from({ length: 20 }, (_, index) => objects(index, 300)));

  const lengths = kept.map(({ keys }) => keys?.length ?? 0);
  assert.ok(lengths.reduce((sum, length) => sum + length) <= REMOVAL_KEYS_MAX_LENGTH + 20 * 17);
  assert.equal(lengths.at(-1), 300 * 12);
  assert.equal(lengths[0], 17);
});

Deno.test("keysOutside() finds keys in any of the sets, and a shortened set only as a whole", () => {
  const sets = [keySet(["a", "b"]), shortened(keySet(["c", "d"]))];

  assert.deepEqual(keysOutside(["b", "e"], sets), ["e"]);
  assert.deepEqual(keysOutside(["d", "c"], sets), []);
  assert.deepEqual(keysOutside(["c"], sets), ["c"]);
});

const KEY = (name: string, kind = "ConfigMap") => JSON.stringify(["", kind, "default", name]);
const STANDS_FOR = [
  ["app-5f7d9c2b4k", "app-9g4h2t8m6c", true],
  ["app-5f7d9c2b", "app-9g4h2t8m", true],
  ["app-5f7d9c2b4k", "app", false],
  ["app-5f7d9c2b4k", "web-9g4h2t8m6c", false],
  ["app-frontend", "app-database", false],
  ["app-5f7d9c2", "app-9g4h2t8", false],
  ["app-5f7d9c2b4k11", "app-9g4h2t8m6c11", false],
] as const;
for (const [old, wanted, isReplaced] of STANDS_FOR) {
  Deno.test(`withoutReplaced() ${isReplaced ? "takes" : "does not take"} "${wanted}" for "${old}"`, () => {
    assert.equal(withoutReplaced([KEY(old)], [KEY(wanted)]).length, isReplaced ? 0 : 1);
  });
}

Deno.test("withoutReplaced() takes nothing of another kind, and one for one only", () => {
  const old = ["app-5f7d9c2b4k", "app-5f7d9c2b4m"].map((name) => KEY(name));

  assert.deepEqual(withoutReplaced(old, [KEY("app-9g4h2t8m6c", "Secret")]), old);
  assert.deepEqual(withoutReplaced(old, [KEY("app-9g4h2t8m6c")]), [old[1]]);
});
