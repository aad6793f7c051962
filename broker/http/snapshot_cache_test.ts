import assert from "node:assert/strict";
import { SnapshotCache } from "./snapshot_cache.ts";

const kept = (etag: string, size = 500) => ({ etag, body: new Uint8Array(size) });

Deno.test("SnapshotCache finds an agent's newest body by its tag, and no other", () => {
  const cache = new SnapshotCache();
  cache.keep("a", kept("1"));
  const second = kept("2");
  cache.keep("a", second);

  const found = [cache.find("a", "2"), cache.find("a", "1"), cache.find("b", "2")];

  assert.deepEqual(found, [second.body, undefined, undefined]);
});

Deno.test("SnapshotCache keeps no more bytes than it may, or one body, and those that were asked for last", () => {
  const cache = new SnapshotCache(3_000);
  for (const id of ["a", "b", "c"]) cache.keep(id, kept("1"));
  cache.find("a", "1");

  cache.keep("d", kept("1"));
  cache.keep("d", kept("2"));
  const before = ["a", "b", "c", "d"].filter((id) => cache.has(id));
  cache.keep("e", kept("1", 3_001));

  assert.deepEqual(before, ["a", "c", "d"]);
  assert.deepEqual(["a", "c", "d", "e"].filter((id) => cache.has(id)), ["e"]);
});

Deno.test("SnapshotCache forgets everything, and keeps as much again after", () => {
  const cache = new SnapshotCache(1_000);
  cache.keep("a", kept("1"));

  cache.clear();
  cache.keep("b", kept("1"));

  assert.deepEqual([cache.has("a"), cache.has("b")], [false, true]);
});
